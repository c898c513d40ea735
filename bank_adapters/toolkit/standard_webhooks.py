"""Standard Webhooks 1.0.0 (standardwebhooks.com): what is signed is ``<id>.<timestamp>.<raw body>``.

``v1`` is HMAC-SHA256 with a shared secret, ``v1a`` is Ed25519; a header may carry several signatures while
keys rotate. Stricter than the reference library where that one lets doubt in: ids hold no dots (a dot would
let one message be cut in two ways), timestamps are plain ASCII digits, base64 has one spelling, and every
bad header is CallbackRejected.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bank_adapters.toolkit.signatures import hmac_base64, require_ed25519, require_hmac_sha256
from payment_hub.domain.errors import CallbackRejected

#: How far a sender's clock may be from ours; the tolerance of the reference libraries.
TOLERANCE: Final = timedelta(minutes=5)

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)
_SIGNATURES: Final = re.compile(
    r"v[0-9]+[a-z]?,[A-Za-z0-9+/]+={0,2}(?: v[0-9]+[a-z]?,[A-Za-z0-9+/]+={0,2}){0,7}", re.ASCII
)


def read_webhook_secret(text: str) -> bytes:
    """Read a setting: ``whsec_`` and base64 of 24 to 64 bytes. Raises ValueError."""
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be whsec_ and base64") from error
    if not text.startswith("whsec_") or not 24 <= len(secret) <= 64:
        raise ValueError("must be whsec_ and base64 of 24 to 64 bytes")
    return secret


def sign(secret: bytes, *, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The three headers for a message of ours, signed with HMAC (``v1``)."""
    timestamp = str(int(sent_at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + hmac_base64("sha256", secret, _signed(message_id, timestamp, body)),
    }


def require_standard_webhook(
    headers: Mapping[str, str],
    body: bytes,
    *,
    received_at: datetime,
    secrets: Sequence[bytes] = (),
    public_keys: Sequence[Ed25519PublicKey] = (),
) -> tuple[str, int]:
    """Verify a message: its ``webhook-id``, and the place of the key that fits; ``headers`` have lower-case names.

    Raises CallbackRejected.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (
        _ID.fullmatch(message_id) and _TIMESTAMP.fullmatch(timestamp) and _SIGNATURES.fullmatch(signatures)
    ):
        raise CallbackRejected
    if abs(received_at.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise CallbackRejected
    message = _signed(message_id, timestamp, body)
    for signature in signatures.split(" "):
        key = _fitting(signature, message, secrets, public_keys)
        if key is not None:
            return message_id, key
    raise CallbackRejected


def _signed(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode("ascii") + body


def _fitting(
    signature: str, message: bytes, secrets: Sequence[bytes], public_keys: Sequence[Ed25519PublicKey]
) -> int | None:
    version, _, given = signature.partition(",")
    try:
        if version == "v1":
            return require_hmac_sha256(secrets, message, given, "base64")
        return require_ed25519(public_keys, message, given) if version == "v1a" else None
    except CallbackRejected:
        return None
