"""API keys: found by their public half, revoked, listed. Each question is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, or_, select, update
from sqlalchemy.orm import Session

from payment_hub.store.tables import Agency, ApiKey, Portal

#: ``last_used_at`` is written at most this often: it tells a key in use from a forgotten one, no more.
USE_NOTED_EVERY: Final = timedelta(minutes=1)

_COLUMNS: Final[tuple[Any, ...]] = (
    ApiKey.id,
    ApiKey.lookup,
    ApiKey.secret_sha256,
    ApiKey.role,
    ApiKey.holder,
    ApiKey.scopes,
    ApiKey.agency_id,
    Agency.code.label("agency_code"),
    ApiKey.portal_id,
    Portal.code.label("portal_code"),
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
)


def find(session: Session, lookup: str) -> Row[Any] | None:
    """The key with this public half, revoked or not, with the codes of its agency and portal."""
    return session.execute(_keys().where(ApiKey.lookup == lookup)).one_or_none()


def every(session: Session) -> Sequence[Row[Any]]:
    """Every key that was ever made, oldest first."""
    return session.execute(_keys().order_by(ApiKey.id)).all()


def revoke(session: Session, lookup: str, now: datetime) -> bool:
    """Revoke the key; False when there is no such key or it was revoked before."""
    changed = session.execute(
        update(ApiKey).where(ApiKey.lookup == lookup, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def note_use(session: Session, key_id: int, now: datetime) -> None:
    """Note that the key is in use, unless that was noted lately."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USE_NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now))


def agency_id(session: Session, code: str) -> int | None:
    """The number of the agency with this code."""
    return session.scalar(select(Agency.id).where(Agency.code == code))


def portal_id(session: Session, code: str) -> int | None:
    """The number of the portal with this code."""
    return session.scalar(select(Portal.id).where(Portal.code == code))


def _keys() -> Select[Any]:
    keys: Select[Any] = select(*_COLUMNS)
    return keys.outerjoin(Agency, Agency.id == ApiKey.agency_id).outerjoin(
        Portal, Portal.id == ApiKey.portal_id
    )
