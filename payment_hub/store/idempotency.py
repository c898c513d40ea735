"""SQL of idempotency: the first insert of a key decides which request runs, and the first answer stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.errors import IdempotencyConflict, RequestStillRunning
from payment_hub.domain.idempotency import KEPT, LEASE, Claim, StoredAnswer
from payment_hub.store.tables import IdempotencyRecord as Record

_KEY: Final = (Record.caller, Record.key)


def claim_key(session: Session, claim: Claim, now: datetime) -> bool:
    """Claim the key for this request; False when it was claimed before.

    A key that has expired, or whose first request never ended (its lease ran out), can be claimed again.
    """
    fresh = {
        "request_sha256": claim.request_sha256,
        "status": None,
        "body": None,
        "headers": "{}",
        "leased_until": now + LEASE,
        "created_at": now,
        "expires_at": now + KEPT,
    }
    lost = and_(
        Record.status.is_(None), Record.leased_until <= now, Record.request_sha256 == claim.request_sha256
    )
    statement = (
        insert(Record)
        .values(caller=claim.caller, key=claim.key, **fresh)
        .on_conflict_do_update(index_elements=_KEY, set_=fresh, where=or_(Record.expires_at <= now, lost))
        .returning(Record.key)
    )
    return session.scalar(statement) is not None


def stored_answer(session: Session, claim: Claim) -> StoredAnswer:
    """The answer to the first request.

    Raises IdempotencyConflict for another request, RequestStillRunning when there is no answer yet.
    """
    row = session.execute(
        select(Record.request_sha256, Record.status, Record.body, Record.headers).where(*_is(claim))
    ).one_or_none()
    if row is not None and row.request_sha256 != claim.request_sha256:
        raise IdempotencyConflict("another request was sent with this key; use a new key for a new request")
    if row is None or row.status is None:
        raise RequestStillRunning("ask again in a moment")
    return StoredAnswer(row.status, row.body or "", json.loads(row.headers))


def store_answer(session: Session, claim: Claim, answer: StoredAnswer) -> None:
    """Store the answer, unless one is stored already."""
    session.execute(
        update(Record)
        .where(*_is(claim), Record.status.is_(None))
        .values(status=answer.status, body=answer.body, headers=_headers(answer.headers), leased_until=None)
    )


def release_key(session: Session, claim: Claim) -> None:
    """Release the key, unless an answer is stored."""
    session.execute(delete(Record).where(*_is(claim), Record.status.is_(None)))


def delete_expired(session: Session, now: datetime) -> int:
    """Delete the expired answers; how many."""
    return session.execute(delete(Record).where(Record.expires_at <= now)).rowcount  # type: ignore[attr-defined, no-any-return]


def _is(claim: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Record.caller == claim.caller, Record.key == claim.key


def _headers(headers: Mapping[str, str]) -> str:
    return json.dumps(dict(headers))
