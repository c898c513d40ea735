"""Keys and signatures of what the hub sends: webhooks to portals, and tokens in checkout links.

Webhooks carry Standard Webhooks headers: ``v1a`` is Ed25519 with the hub's key, ``v1`` is HMAC-SHA256 with the
portal's secret. The portal's secret is derived from the hub's secret key and a version number, so that none
is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payment_hub.domain.webhooks import WebhookKeys


@dataclass(frozen=True, slots=True)
class Signer:
    """The current keys first, then the previous ones while they are still believed."""

    secret_keys: tuple[bytes, ...] = field(repr=False)
    signing_keys: tuple[Ed25519PrivateKey, ...]

    @classmethod
    def of(cls, secret_keys: Sequence[bytes | None], signing_seeds: Sequence[bytes | None]) -> Signer:
        """Build from raw keys, leaving out those that are not set."""
        return cls(
            tuple(key for key in secret_keys if key),
            tuple(Ed25519PrivateKey.from_private_bytes(seed) for seed in signing_seeds if seed),
        )

    def checkout_token(self, reference: str) -> str:
        """The unguessable token (132 bits) by which a citizen's page is reached: ``<reference>.<mac>``."""
        return f"{reference}.{_mac(self.secret_keys[0], reference)}"

    def reference_of(self, token: str) -> str | None:
        """The order reference of a genuine checkout token, made with the current or the previous key."""
        reference, _, mac = token.partition(".")
        if not token.isascii() or len(token) > 80:
            return None
        genuine = [hmac.compare_digest(mac, _mac(key, reference)) for key in self.secret_keys]
        return reference if any(genuine) else None

    def portal_secrets(self, portal: str, version: int) -> tuple[bytes, ...]:
        """The HMAC secrets that one portal may hold now, the one to hand out first.

        The version before stays valid while the portal changes over, and so do the secrets made with the
        hub's previous key: nothing that the hub rotates silences a portal.
        """
        versions = [version, version - 1] if version > 1 else [version]
        made = [_portal_secret(key, portal, each) for key in self.secret_keys for each in versions]
        return tuple(made)

    def webhook_keys(self, portal: str, version: int) -> WebhookKeys:
        """What the portal configures to verify webhooks."""
        secret = f"whsec_{_base64(self.portal_secrets(portal, version)[0])}"
        return WebhookKeys(portal, version, secret, self.public_keys())

    def webhook_headers(
        self, message_id: str, moment: datetime, body: bytes, secrets: Sequence[bytes]
    ) -> dict[str, str]:
        """Standard Webhooks headers over ``id.timestamp.body``, one signature a key.

        Raises ValueError for an id with a dot: ``a`` sent at 1 and ``a.1`` would be signed as the same bytes.
        """
        if "." in message_id:
            raise ValueError("a message id holds no dot")
        timestamp = str(int(moment.timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        signatures = [f"v1a,{_base64(key.sign(signed))}" for key in self.signing_keys]
        signatures += [f"v1,{_base64(hmac.digest(secret, signed, hashlib.sha256))}" for secret in secrets]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }

    def public_keys(self) -> tuple[str, ...]:
        """The Ed25519 public keys as portals configure them: ``whpk_<base64>``."""
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return tuple(f"whpk_{_base64(key.public_key().public_bytes(*raw))}" for key in self.signing_keys)


def _portal_secret(key: bytes, portal: str, version: int) -> bytes:
    return hmac.digest(key, f"webhook:{portal}:{version}".encode(), hashlib.sha256)


def _mac(key: bytes, reference: str) -> str:
    digest = hmac.digest(key, f"checkout:{reference}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode()[:22]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
