"""What the bank of the open protocol says, signed by a stranger's library."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import requests
import responses
from standardwebhooks import Webhook

from bank_adapters import load_adapters
from bank_adapters.sandbox import SandboxBank
from tests.banks.examples import ATTEMPT, NOON, ORDER

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BANK = "https://bank.test"

STATEMENT = (
    "statement,2026-11-22,2,155000\n"
    "transaction_id,reference,amount,currency,movement,booked_at\n"
    f"T1,{ATTEMPT},150000,VND,CREDIT,2026-11-22T05:00:00Z\n"
    "T2,typed by hand,5000,VND,CREDIT,2026-11-22T06:00:00Z\n"
)


def a_sandbox(section: dict[str, str], public_url: str = "") -> SandboxBank:
    """The adapter from its settings."""
    adapter = load_adapters(["sandbox"], {"sandbox": section}, public_url)["sandbox"]
    assert isinstance(adapter, SandboxBank)
    return adapter


def signed(
    body: bytes, *, message_id: str = "evt_1", at: datetime = NOON, secret: str = SECRET
) -> dict[str, str]:
    """Headers as the reference library of Standard Webhooks makes them."""
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def a_result(**changes: object) -> dict[str, object]:
    """What the bank says of a payment that was made."""
    return {
        "type": "payment.result",
        "attempt_reference": ATTEMPT,
        "order_reference": ORDER,
        "reference": ATTEMPT,
        "status": "PAID",
        "amount": "150000",
        "currency": "VND",
        "transaction_id": "T1",
        "paid_at": "2026-11-22T05:00:00Z",
    } | changes


AN_OPENING: dict[str, object] = {
    "type": "payment.opened",
    "attempt_reference": ATTEMPT,
    "bank_reference": "SBXP00000001",
    "account_bank": "970499",
    "account_number": "9000000000001",
    "account_name": "KHO BAC SANDBOX",
    "page_url": f"{BANK}/pay/{ATTEMPT}",
}


Answering = Callable[[requests.PreparedRequest], tuple[int, dict[str, str], bytes]]


def answer_of(
    content: dict[str, object] | str, *, under: str | None = None, secret: str = SECRET
) -> Answering:
    """An answer rightly signed under the id of its question, or ``under`` another, or with another secret."""
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()

    def answer(asked: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        asked_body = asked.body or ""
        Webhook(SECRET).verify(asked_body, dict(asked.headers)) if asked_body else None
        message_id = under or str(asked.headers["webhook-id"])
        return 200, signed(body, message_id=message_id, at=datetime.now(UTC), secret=secret), body

    return answer


def answering(
    *answers: tuple[str, str, dict[str, object] | str], under: str | None = None
) -> responses.RequestsMock:
    """A bank that gives these answers."""
    wire = responses.RequestsMock()
    for method, path, content in answers:
        wire.add_callback(method, BANK + path, answer_of(content, under=under))
    return wire
