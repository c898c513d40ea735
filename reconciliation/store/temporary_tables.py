"""Temporary tables: the result of one query that later queries of the same transaction go on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


def keep_as(session: Session, table: str, query: str, params: Mapping[str, Any]) -> None:
    """Keep the result of ``query`` as ``table`` until the transaction ends."""
    session.execute(text(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}"), params)
    session.execute(text(f"ANALYZE {table}"))


def add_to(session: Session, table: str, insert: str, params: Mapping[str, Any]) -> None:
    """Add the rows of ``insert``, which names ``table``."""
    session.execute(text(insert), params)
    session.execute(text(f"ANALYZE {table}"))
