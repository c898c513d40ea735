"""Who is asking: the holder of a valid API key."""

from __future__ import annotations

import hmac

from payment_hub.domain.api_token import ApiToken, read_token
from payment_hub.domain.errors import Unauthenticated
from payment_hub.domain.keys import Caller, Role
from payment_hub.hub import Hub
from payment_hub.store import keys


def identify_caller(hub: Hub, *, token: str | None) -> Caller:
    """The caller who sent ``token`` (the text of a key, without ``Bearer``).

    Raises Unauthenticated, with the same words for every reason that needs the database.
    """
    read = read_token(token) if token else None
    if read is None:
        raise Unauthenticated(
            "send Authorization: Bearer hub_..." if not token else "this is not a key: mistyped?"
        )
    return _verified(hub, read)


def _verified(hub: Hub, read: ApiToken) -> Caller:
    now = hub.now()
    with hub.transaction() as session:
        found = keys.find(session, read.lookup)
        genuine = hmac.compare_digest(found.secret_sha256 if found else bytes(32), read.secret_sha256)
        if (
            found is None
            or not genuine
            or found.revoked_at is not None
            or (found.expires_at is not None and found.expires_at <= now)
        ):
            raise Unauthenticated("the key is unknown, revoked or expired")
        keys.note_use(session, found.id, now)
    return Caller(
        key_id=found.id,
        role=Role(found.role),
        holder=found.holder,
        scopes=frozenset(found.scopes),
        agency_id=found.agency_id,
        agency_code=found.agency_code,
        portal_id=found.portal_id,
        portal_code=found.portal_code,
    )
