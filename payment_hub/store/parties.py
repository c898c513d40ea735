"""Questions about agencies and portals."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from payment_hub.domain.errors import AgencyNotFound
from payment_hub.domain.keys import Caller, Role
from payment_hub.store.tables import Agency, Portal


def find_agency(session: Session, code: str) -> Agency | None:
    """The agency with this code."""
    return session.scalar(select(Agency).where(Agency.code == code))


def agency_acted_for(session: Session, caller: Caller, code: str) -> Agency:
    """The agency in whose name the caller may write.

    Raises AgencyNotFound when there is none, or when the caller is not it: who may not see is not told.
    """
    agency = find_agency(session, code)
    if agency is None or (caller.role is not Role.OPERATOR and caller.agency_id != agency.id):
        raise AgencyNotFound(code)
    return agency


def find_portal(session: Session, code: str) -> Portal | None:
    """The portal with this code."""
    return session.scalar(select(Portal).where(Portal.code == code))
