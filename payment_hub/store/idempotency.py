"""Answers by idempotency key. Inserting first decides who runs; the first answer is the one that stays."""

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

_MINE: Final = (Record.caller, Record.key)


def claim_key(session: Session, wanted: Claim, now: datetime) -> bool:
    """Take the key for this request; False when somebody had it before.

    A key that has expired, or whose first request was lost on the way (its lease ran out), can be taken over.
    """
    fresh = {
        "request_sha256": wanted.request_sha256,
        "status": None,
        "body": None,
        "headers": "{}",
        "leased_until": now + LEASE,
        "created_at": now,
        "expires_at": now + KEPT,
    }
    lost = and_(
        Record.status.is_(None), Record.leased_until <= now, Record.request_sha256 == wanted.request_sha256
    )
    statement = (
        insert(Record)
        .values(caller=wanted.caller, key=wanted.key, **fresh)
        .on_conflict_do_update(index_elements=_MINE, set_=fresh, where=or_(Record.expires_at <= now, lost))
        .returning(Record.key)
    )
    return session.scalar(statement) is not None


def stored_answer(session: Session, wanted: Claim) -> StoredAnswer:
    """The answer that was given before.

    Raises IdempotencyConflict for another request, RequestStillRunning when there is no answer yet.
    """
    found = session.execute(
        select(Record.request_sha256, Record.status, Record.body, Record.headers).where(*_is(wanted))
    ).one_or_none()
    if found is not None and found.request_sha256 != wanted.request_sha256:
        raise IdempotencyConflict("another request was sent with this key; use a new key for a new request")
    if found is None or found.status is None:
        raise RequestStillRunning("ask again in a moment")
    return StoredAnswer(found.status, found.body or "", json.loads(found.headers))


def store_answer(session: Session, wanted: Claim, answer: StoredAnswer) -> None:
    """Keep the answer, unless one is kept already."""
    session.execute(
        update(Record)
        .where(*_is(wanted), Record.status.is_(None))
        .values(status=answer.status, body=answer.body, headers=_headers(answer.headers), leased_until=None)
    )


def release_key(session: Session, wanted: Claim) -> None:
    """Give the key back, unless an answer is kept under it."""
    session.execute(delete(Record).where(*_is(wanted), Record.status.is_(None)))


def delete_expired(session: Session, now: datetime) -> int:
    """Remove what has expired; how many that were."""
    return session.execute(delete(Record).where(Record.expires_at <= now)).rowcount  # type: ignore[attr-defined, no-any-return]


def _is(wanted: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Record.caller == wanted.caller, Record.key == wanted.key


def _headers(headers: Mapping[str, str]) -> str:
    return json.dumps(dict(headers))
