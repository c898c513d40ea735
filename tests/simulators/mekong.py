"""A made-up bank that has everything: the hub's open protocol (``docs/open-protocol.md``) under a name of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bank_adapters.simulators.simulator import Payment, Simulator, WireReply, WireRequest, business_day

KEY = b"trial key of mekong, worth nothing"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class MekongSimulator(Simulator):
    """The bank's side of the open protocol."""

    name = "mekong"
    retries = (60.0, 60.0, 60.0)
    by_transfer = True
    dated = True

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        return {"PROTOCOL": "sandbox", "URL": url, "SECRET": SECRET, "READ_SECONDS": "1"}

    def receive(self, request: WireRequest) -> WireReply:
        if not is_genuine(request.headers, request.body):
            return WireReply(401)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["payments"]:
                return self._signed(request, self._open(json.loads(request.body)), 201)
            case "GET", ["payments", reference]:
                payment = self.book.find(reference)
                if payment is None:
                    unknown = {"type": "payment.unknown", "attempt_reference": reference}
                    return self._signed(request, json.dumps(unknown).encode(), 404)
                return self._signed(
                    request, json.dumps({"type": "payment.status", **facts(payment)}).encode()
                )
            case "GET", ["statements", day]:
                raw = statement(date.fromisoformat(day), self.book.payments())
                return self._signed(request, raw.encode())
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        body = json.dumps({"type": "payment.result", **facts(payment)}).encode()
        message = f"evt_{payment.reference}_{payment.outcome}"
        return [WireRequest("POST", self.callback_url, b"", self._headers(message, body), body)]

    def return_url(self, payment: Payment) -> str | None:
        return payment.opened.get("return_url")

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        for payment in self.book.payments():
            if payment.opened.get("order_reference") == purpose and payment.outcome == "PENDING":
                return payment
        return self.book.remember_transfer(Payment(purpose, amount))

    def _open(self, asked: Mapping[str, Any]) -> bytes:
        reference = asked["attempt_reference"]
        payment = self.book.remember(Payment(reference, int(asked["amount"]), dict(asked)))
        return json.dumps(
            {
                "type": "payment.opened",
                "attempt_reference": reference,
                "bank_reference": f"MK{reference}",
                "account_bank": "970499",
                "account_number": "9000000000001",
                "account_name": "KHO BAC MEKONG",
                "page_url": self.page_of(payment),
            }
        ).encode()

    def _headers(self, message: str, body: bytes) -> dict[str, str]:
        return signed(message, str(int(self.book.now().timestamp())), body)

    def _signed(self, request: WireRequest, body: bytes, status: int = 200) -> WireReply:
        return WireReply(status, body, self._headers(request.headers["webhook-id"], body))


SIMULATOR = MekongSimulator


def signed(message: str, stamp: str, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    mac = hmac.new(KEY, b".".join((message.encode(), stamp.encode(), body)), hashlib.sha256).digest()
    mark = "v1," + base64.b64encode(mac).decode()
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": mark}


def is_genuine(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the hub signed it."""
    right = signed(headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), body)
    return hmac.compare_digest(right["webhook-signature"], headers.get("webhook-signature", ""))


def facts(payment: Payment) -> dict[str, Any]:
    """What the bank says of a payment."""
    paid = payment.outcome == "PAID"
    return {
        "attempt_reference": payment.reference,
        "order_reference": payment.opened.get("order_reference", payment.reference),
        "reference": payment.reference,
        "status": payment.outcome,
        "amount": str(payment.amount),
        "currency": "VND",
        "transaction_id": payment.transaction_id if paid else None,
        "paid_at": moment(payment.paid_at) if paid and payment.paid_at else None,
    }


def statement(day: date, payments: list[Payment]) -> str:
    """The file of ``day`` with its totals."""
    paid = [(one, one.paid_at) for one in payments if one.paid_at and business_day(one.paid_at) == day]
    rows = [f"statement,{day},{len(paid)},{sum(one.amount for one, _ in paid)}"]
    rows.append("transaction_id,reference,amount,currency,movement,booked_at")
    rows += [f"{one.transaction_id},{one.reference},{one.amount},VND,CREDIT,{moment(at)}" for one, at in paid]
    return "\n".join(rows) + "\n"


def moment(at: datetime) -> str:
    """As the protocol writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
