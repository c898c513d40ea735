"""The declarative base, the column types that recur, and which tables only ever grow."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import CHAR, BigInteger, DateTime, ForeignKey, Identity, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

#: Key of ``Table.info`` that marks an append-only table; a migration gives each of them a trigger that refuses
#: UPDATE, DELETE and TRUNCATE, and a house test compares the two.
APPEND_ONLY = "append_only"

Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Dong = Annotated[int, mapped_column(BigInteger)]
Currency = Annotated[str, mapped_column(CHAR(3))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Words = Annotated[str, mapped_column(Text)]
AgencyKey = Annotated[int, mapped_column(BigInteger, ForeignKey("agency.id"))]
OrderKey = Annotated[int, mapped_column(BigInteger, ForeignKey("payment_order.id"))]


class Base(DeclarativeBase):
    """Names every constraint, so that a migration and an error can name it too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


def one_of(column: str, words: type[Any]) -> str:
    """The CHECK condition that a column holds one of an enumeration's words."""
    return f"{column} IN ({', '.join(repr(str(word)) for word in words)})"
