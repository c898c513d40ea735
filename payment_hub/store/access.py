"""SQL of access: API keys, agencies and portals, and which agency a caller may see or act for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, or_, select, update
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import AgencyNotFound
from payment_hub.store.tables import Agency, ApiKey, Portal

#: ``last_used_at`` is written at most this often: it only shows which keys are still in use.
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


def find_key(session: Session, lookup: str) -> Row[Any] | None:
    """The key with this public half, revoked or not, with the codes of its agency and portal."""
    return session.execute(_keys().where(ApiKey.lookup == lookup)).one_or_none()


def list_keys(session: Session) -> Sequence[Row[Any]]:
    """Every key that was ever made, oldest first."""
    return session.execute(_keys().order_by(ApiKey.id)).all()


def revoke_key(session: Session, lookup: str, now: datetime) -> bool:
    """Revoke the key; False when there is no such key or it was revoked before."""
    changed = session.execute(
        update(ApiKey).where(ApiKey.lookup == lookup, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def record_key_use(session: Session, key_id: int, now: datetime) -> None:
    """Record that the key is in use, unless that was recorded a short time ago."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USE_NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now))


def agency_id(session: Session, code: str) -> int | None:
    """The id of the agency with this code."""
    return session.scalar(select(Agency.id).where(Agency.code == code))


def portal_id(session: Session, code: str) -> int | None:
    """The id of the portal with this code."""
    return session.scalar(select(Portal.id).where(Portal.code == code))


def _keys() -> Select[Any]:
    keys: Select[Any] = select(*_COLUMNS)
    return keys.outerjoin(Agency, Agency.id == ApiKey.agency_id).outerjoin(
        Portal, Portal.id == ApiKey.portal_id
    )


def find_agency(session: Session, code: str) -> Agency | None:
    """The agency with this code."""
    return session.scalar(select(Agency).where(Agency.code == code))


def agency_acted_for(session: Session, caller: Caller, code: str) -> Agency:
    """The agency in whose name the caller may write.

    Raises AgencyNotFound when there is none, and also when the caller may not act for it.
    """
    agency = find_agency(session, code)
    if agency is None or (caller.role is not Role.OPERATOR and caller.agency_id != agency.id):
        raise AgencyNotFound(code)
    return agency


def find_portal(session: Session, code: str) -> Portal | None:
    """The portal with this code."""
    return session.scalar(select(Portal).where(Portal.code == code))


def visible_agency(caller: Caller) -> int | None:
    """The id of the one agency that the caller may see; None for no such limit."""
    return caller.agency_id if caller.role in (Role.AGENCY, Role.OFFICER) else None
