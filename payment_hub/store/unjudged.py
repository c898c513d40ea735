"""Callbacks that were stored and verified, but never judged: a process died in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.bank_port import CallbackRequest

_UNJUDGED: Final = text(
    """SELECT c.id, c.bank, c.method, c.path, c.query, c.headers, c.body, c.source_ip, c.received_at
    FROM callback c
    WHERE c.verified AND c.received_at BETWEEN :since AND :before
      AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)
      AND c.id > :after
    ORDER BY c.id LIMIT :limit"""
)


def unjudged(
    session: Session, *, since: datetime, before: datetime, after: int, limit: int
) -> Sequence[tuple[int, str, CallbackRequest]]:
    """Key, bank and message of each, as it arrived, from the key ``after`` on."""
    asked = {"since": since, "before": before, "after": after, "limit": limit}
    rows = session.execute(_UNJUDGED, asked).mappings()
    return [
        (
            row["id"],
            row["bank"],
            CallbackRequest(
                method=row["method"],
                path=row["path"],
                query=row["query"],
                headers=row["headers"],
                body=row["body"],
                received_at=row["received_at"],
                source_ip=row["source_ip"],
            ),
        )
        for row in rows
    ]
