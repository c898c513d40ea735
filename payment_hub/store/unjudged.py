"""Callbacks that were stored and verified, but never judged: a process died in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.bank_values import Confirmation
from payment_hub.store.said import read_said

_UNJUDGED: Final = text(
    """SELECT c.id, c.said, c.received_at
    FROM callback c
    WHERE c.verified AND c.received_at BETWEEN :since AND :before
      AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)
      AND c.id > :after
    ORDER BY c.id LIMIT :limit"""
)


def unjudged(
    session: Session, *, since: datetime, before: datetime, after: int, limit: int
) -> Sequence[tuple[int, Confirmation, datetime]]:
    """Key, what it said and when it arrived, of each from the key ``after`` on."""
    asked = {"since": since, "before": before, "after": after, "limit": limit}
    rows = session.execute(_UNJUDGED, asked).mappings()
    return [(row["id"], read_said(row["said"]), row["received_at"]) for row in rows]
