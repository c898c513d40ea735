"""Access: agencies, portals and API keys, and the caller behind a key.

To rotate a key, make another, change over, then revoke the old one: both are valid meanwhile. A revoked key is refused
within seconds: the web layer caches a caller for at most five.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from payment_hub.domain.access import (
    LOOKUP_BYTES,
    SECRET_BYTES,
    USUAL_SCOPES,
    ApiToken,
    Caller,
    KeyUse,
    KeyView,
    Role,
    Scope,
    api_token_of,
    holder_name,
    make_token,
    read_token,
    same_holder,
)
from payment_hub.domain.errors import (
    AgencyNotFound,
    Conflict,
    KeyNotFound,
    Malformed,
    PortalNotFound,
    Unauthenticated,
)
from payment_hub.domain.receipts import yearly_series
from payment_hub.domain.refunds.lifecycle import THE_HUB
from payment_hub.domain.settlement import LatePolicy
from payment_hub.domain.webhooks import AddressPolicy, read_webhook_url
from payment_hub.hub import Hub
from payment_hub.store import access, payments
from payment_hub.store.access import find_agency, find_portal
from payment_hub.store.tables import Agency, ApiKey, Portal

#: Both generations of agency codes: 000.00.00.H41 and H55.242 (Decision 20/2020/QD-TTg: at most 35 characters).
_CODE = re.compile(r"[0-9A-Z]+(\.[0-9A-Z]+)*", re.ASCII)


def add_agency(
    hub: Hub,
    *,
    code: str,
    name: str,
    account_number: str,
    account_bank: str,
    account_name: str,
    receipt_series: str,
    receipt_template: str = "01BLP",
    late_policy: LatePolicy = LatePolicy.ACCEPT,
    part_payments: bool = False,
    tax_code: str | None = None,
    address: str | None = None,
) -> int:
    """The id of the new agency. Raises Malformed for an impossible code or series, Conflict for a code in use."""
    yearly_series(receipt_series, hub.now().year)
    if len(code) > 35 or not _CODE.fullmatch(code):
        raise Malformed("an agency code has at most 35 digits, capital letters and dots")
    with hub.transaction() as session:
        if find_agency(session, code) is not None:
            raise Conflict(f"agency {code} exists")
        agency = Agency(
            code=code,
            name=name,
            tax_code=tax_code,
            address=address,
            late_policy=late_policy,
            part_payments=part_payments,
            receipt_template=receipt_template,
            receipt_series=receipt_series,
            account_number=account_number,
            account_bank=account_bank,
            account_name=account_name,
            created_at=hub.now(),
        )
        session.add(agency)
        session.flush()
        return agency.id


def add_portal(hub: Hub, *, code: str, name: str, webhook_url: str | None = None) -> int:
    """The id of the new portal. Raises Conflict for a code that is taken, Malformed for a bad URL."""
    if webhook_url is not None:
        read_webhook_url(
            webhook_url, AddressPolicy(hub.settings.allow_loopback_webhooks, hub.settings.webhook_hosts)
        )
    with hub.transaction() as session:
        if find_portal(session, code) is not None:
            raise Conflict(f"portal {code} exists")
        portal = Portal(code=code, name=name, webhook_url=webhook_url, created_at=hub.now())
        session.add(portal)
        session.flush()
        return portal.id


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
    holder without a name, or with the name of the hub or of a bank in records.
    """
    holder = holder_name(holder)
    if not holder or same_holder(holder, THE_HUB) or holder.casefold().startswith("bank:"):
        raise Malformed("a holder has a name of their own, which is not the hub's or a bank's")
    if (role is Role.PORTAL) != (portal_code is not None) or (role is Role.AGENCY and agency_code is None):
        raise Malformed(f"a key of role {role} is bound to its own portal or agency, and to nothing else")
    chance = secrets.token_bytes(LOOKUP_BYTES + SECRET_BYTES)
    stored = api_token_of(chance)
    with hub.transaction() as session:
        session.add(
            ApiKey(
                lookup=stored.lookup,
                secret_sha256=stored.secret_sha256,
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
    if code is None:
        return None
    agency_id = access.agency_id(session, code)
    if agency_id is None:
        raise AgencyNotFound(code[:40])
    return agency_id


def _portal(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    portal_id = access.portal_id(session, code)
    if portal_id is None:
        raise PortalNotFound(code[:40])
    return portal_id


def revoke_key(hub: Hub, *, lookup: str) -> None:
    """Revoke the key with this public half; revoking twice changes nothing. Raises KeyNotFound."""
    with hub.transaction() as session:
        if not access.revoke_key(session, lookup, hub.now()) and access.find_key(session, lookup) is None:
            raise KeyNotFound(lookup[:40])


def list_keys(hub: Hub) -> list[KeyView]:
    """Every key that was ever made, oldest first, without anything secret."""
    with hub.transaction() as session:
        return [
            KeyView(
                lookup=key.lookup,
                role=Role(key.role),
                holder=key.holder,
                agency=key.agency_code,
                portal=key.portal_code,
                scopes=tuple(key.scopes),
                created_at=key.created_at,
                expires_at=key.expires_at,
                revoked_at=key.revoked_at,
                last_used_at=key.last_used_at,
            )
            for key in access.list_keys(session)
        ]


def list_key_uses(hub: Hub) -> list[KeyUse]:
    """The last use of the current key, among the latest messages, and of the one before, for every enabled bank."""
    with hub.transaction() as session:
        return [payments.key_use(session, bank) for bank in sorted(hub.adapters)]


def identify_caller(hub: Hub, *, token: str | None) -> Caller:
    """The caller who sent ``token`` (the text of a key, without ``Bearer``).

    Raises Unauthenticated, with the same text for every reason that needs the database.
    """
    parsed = read_token(token) if token else None
    if parsed is None:
        raise Unauthenticated(
            "send Authorization: Bearer hub_..." if not token else "this is not a key: mistyped?"
        )
    return _verified(hub, parsed)


def _verified(hub: Hub, token: ApiToken) -> Caller:
    now = hub.now()
    with hub.transaction() as session:
        key = access.find_key(session, token.lookup)
        genuine = hmac.compare_digest(key.secret_sha256 if key else bytes(32), token.secret_sha256)
        if (
            key is None
            or not genuine
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= now)
        ):
            raise Unauthenticated("the key is unknown, revoked or expired")
        access.record_key_use(session, key.id, now)
    return Caller(
        key_id=key.id,
        role=Role(key.role),
        holder=key.holder,
        scopes=frozenset(key.scopes),
        agency_id=key.agency_id,
        agency_code=key.agency_code,
        portal_id=key.portal_id,
        portal_code=key.portal_code,
    )
