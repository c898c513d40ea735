"""Standard Webhooks as the bank computes it, from the page and not from the adapter's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

PATIENCE_SECONDS = 300


def key_of(secret: str) -> bytes:
    """The bytes of a ``whsec_...`` secret."""
    return base64.b64decode(secret.removeprefix("whsec_"))


def signed_headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers for ``body``; ``timestamp`` in seconds."""
    mac = hmac.new(key, b".".join((message_id.encode(), str(timestamp).encode(), body)), hashlib.sha256)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": "v1," + base64.b64encode(mac.digest()).decode(),
    }


def is_genuine(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a question of the hub carries a fresh signature under one of ``keys``."""
    message_id, stamp = (headers.get("Webhook-Id", ""), headers.get("Webhook-Timestamp", ""))
    if not (message_id.isascii() and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(time.time() - int(stamp)) > PATIENCE_SECONDS:
        return False
    given = headers.get("Webhook-Signature", "").encode("utf-8", "replace").split(b" ")
    right = [signed_headers(key, message_id, int(stamp), body)["Webhook-Signature"].encode() for key in keys]
    return any(hmac.compare_digest(one, other) for one in given for other in right)
