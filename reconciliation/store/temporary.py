"""Temporary tables: an answer that later questions of the same transaction go on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


def temporary(session: Session, name: str, query: str, asked: Mapping[str, Any]) -> None:
    """Keep the answer under this name until the transaction ends."""
    session.execute(text(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}"), asked)
    session.execute(text(f"ANALYZE {name}"))
