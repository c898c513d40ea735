"""A new API key. To rotate a key, make another, change over, then revoke the old one: both are valid meanwhile."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from payment_hub.domain.api_token import LOOKUP_BYTES, SECRET_BYTES, api_token_of, make_token
from payment_hub.domain.errors import AgencyNotFound, Malformed, PortalNotFound
from payment_hub.domain.keys import USUAL_SCOPES, Role, Scope, holder_name, same_holder
from payment_hub.domain.refund import THE_HUB
from payment_hub.hub import Hub
from payment_hub.store import keys
from payment_hub.store.tables import ApiKey


def make_key(
    hub: Hub,
    *,
    role: Role,
    holder: str,
    agency_code: str | None = None,
    portal_code: str | None = None,
    scopes: Sequence[Scope] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return its text, which is shown this once and not stored.

    Raises AgencyNotFound, PortalNotFound; Malformed when a portal's or agency's key is not bound to one, or for a
    holder without a name, or with the name that records give to the hub or to a bank.
    """
    holder = holder_name(holder)
    if not holder or same_holder(holder, THE_HUB) or holder.casefold().startswith("bank:"):
        raise Malformed("a holder has a name of their own, which is not the hub's or a bank's")
    if (role is Role.PORTAL) != (portal_code is not None) or (role is Role.AGENCY and agency_code is None):
        raise Malformed(f"a key of role {role} is bound to its own portal or agency, and to nothing else")
    chance = secrets.token_bytes(LOOKUP_BYTES + SECRET_BYTES)
    read = api_token_of(chance)
    with hub.transaction() as session:
        session.add(
            ApiKey(
                lookup=read.lookup,
                secret_sha256=read.secret_sha256,
                role=role,
                holder=holder,
                agency_id=_agency(session, agency_code),
                portal_id=_portal(session, portal_code),
                scopes=[str(scope) for scope in (USUAL_SCOPES[role] if scopes is None else scopes)],
                created_at=hub.now(),
                expires_at=expires_at,
            )
        )
    return make_token(chance)


def _agency(session: Session, code: str | None) -> int | None:
    found = None if code is None else keys.agency_id(session, code)
    if code is not None and found is None:
        raise AgencyNotFound(code[:40])
    return found


def _portal(session: Session, code: str | None) -> int | None:
    found = None if code is None else keys.portal_id(session, code)
    if code is not None and found is None:
        raise PortalNotFound(code[:40])
    return found
