"""Give a portal a new secret for verifying notices."""

from __future__ import annotations

from payment_hub.domain.errors import NotFound
from payment_hub.domain.notice_views import NoticeKeys
from payment_hub.hub import Hub
from payment_hub.store import notices


def rotate_notice_key(hub: Hub, *, portal: str) -> NoticeKeys:
    """The portal's new keys. Raises NotFound.

    Notices carry a signature with the secret before as well, until the next rotation: the portal changes over
    when it likes, and no notice in between fails.
    """
    with hub.transaction() as session:
        version = notices.next_key_version(session, portal)
    if version is None:
        raise NotFound(f"portal {portal[:40]}")
    return hub.signer.notice_keys(portal, version)
