"""The declarative base, recurring column types, SQL conditions made from enumerations, and append-only tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import CHAR, BigInteger, DateTime, ForeignKey, Identity, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

from payment_hub.domain.lifecycle import Lifecycle

#: Key of ``Table.info`` that marks an append-only table; a migration gives each of them a trigger that refuses
#: UPDATE, DELETE and TRUNCATE, and a house test compares the two.
APPEND_ONLY = "append_only"

Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Dong = Annotated[int, mapped_column(BigInteger)]
Currency = Annotated[str, mapped_column(CHAR(3))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
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


def one_of(column: str, members: Iterable[StrEnum]) -> str:
    """The SQL condition that a column holds one of these words of an enumeration."""
    return f"{column} IN ({', '.join(repr(str(word)) for word in members)})"


def none_of(column: str, members: Iterable[StrEnum]) -> str:
    """The SQL condition that a column holds none of these words of an enumeration."""
    return f"{column} NOT IN ({', '.join(repr(str(word)) for word in members)})"


def state_after(life: Lifecycle[Any, Any], event: StrEnum) -> str:
    """The SQL value of a ``state`` after the event: by the lifecycle's table, and unchanged where it has no move."""
    moves = " ".join(f"WHEN '{state}' THEN '{after}'" for state, after in life.moves(event).items())
    return f"CASE state {moves} ELSE state END"
