"""The requests of a load, signed and written out before the clock starts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.books import AGENCIES


def issue_requests(token: str, prefix: str, numbers: Sequence[int]) -> list[bytes]:
    """One order for each obligation ``<prefix><number>``."""
    requests = []
    for n in numbers:
        body = json.dumps({"agency": f"B{1 + n % AGENCIES}", "obligation": f"{prefix}{n}"})
        head = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{prefix}{n}"}
        requests.append(_post("/v1/payment-orders", body.encode(), head))
    return requests


def callback_requests(secret: str, references: Sequence[str]) -> list[bytes]:
    """The sandbox bank's callback for each order: paid in full."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [_post("/callbacks/sandbox", *_callback(key, reference, now)) for reference in references]


def _callback(key: bytes, reference: str, now: str) -> tuple[bytes, dict[str, str]]:
    event = {
        "type": "payment.result",
        "attempt_reference": f"{reference}-1",
        "order_reference": reference,
        "reference": f"{reference}-1",
        "status": "PAID",
        "amount": "150000",
        "currency": "VND",
        "transaction_id": f"T{reference}",
        "paid_at": now,
    }
    body, message_id, sent_at = json.dumps(event).encode(), f"evt_{reference}", str(int(time.time()))
    signature = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    return body, {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def _post(path: str, body: bytes, head: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
