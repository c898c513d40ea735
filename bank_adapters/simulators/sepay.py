"""SePay's side: tells of every movement on the account, signed over the time and the raw body."""

from __future__ import annotations

import hmac
import json
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from bank_adapters.simulators.simulator import Payment, WireReply, WireRequest
from bank_adapters.simulators.transfers import ACCOUNT, TransferSimulator, compact, wall_clock

SECRET = "trial-secret-of-sepay-0123456789"  # noqa: S105


class SepaySimulator(TransferSimulator):
    """One account that SePay watches."""

    name = "sepay"
    dated = True
    retries: ClassVar[tuple[float, ...]] = (60.0, 60.0, 120.0, 180.0, 300.0, 480.0, 780.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The account and the secret."""
        return {**cls.account(folder), "SECRET": SECRET}

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The movement, once there is one."""
        if payment.outcome != "PAID":
            return []
        body = compact(self.overridden(_movement(payment)), sort=False).encode()
        headers = signed_headers(body, self.book.now())
        return [WireRequest("POST", self.callback_url, headers=headers, body=body)]

    def accepts(self, reply: WireReply) -> bool:
        """2xx, and ``success`` in it."""
        try:
            return 200 <= reply.status < 300 and json.loads(reply.body)["success"] is True
        except (ValueError, KeyError, TypeError):
            return False

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The movements of the day, by the names of SePay's list of transactions."""
        lines = ["id,transaction_date,transaction_content,amount_in,amount_out,reference_number"]
        for payment in payments:
            facts = (payment.transaction_id, wall_clock(payment.paid_at), payment.reference)
            lines.append(",".join((*facts, f"{payment.amount}.00", "0.00", f"FT{payment.transaction_id}")))
        return "\n".join(lines) + "\n"


def _movement(payment: Payment) -> dict[str, object]:
    return {
        "id": int(payment.transaction_id),
        "gateway": "VietinBank",
        "transactionDate": wall_clock(payment.paid_at),
        "accountNumber": ACCOUNT,
        "code": None,
        "content": payment.reference,
        "transferType": "in",
        "transferAmount": payment.amount,
        "accumulated": 25_000_000,
        "subAccount": None,
        "referenceCode": f"FT{payment.transaction_id}",
        "description": "",
    }


SIMULATOR = SepaySimulator


def signed_headers(body: bytes, at: datetime, secret: str | None = None) -> dict[str, str]:
    """The headers of a message sent at that moment."""
    sent = str(int(at.timestamp()))
    digest = hmac.new(
        (SECRET if secret is None else secret).encode(), f"{sent}.".encode() + body, "sha256"
    ).hexdigest()
    return {
        "content-type": "application/json",
        "x-sepay-timestamp": sent,
        "x-sepay-signature": f"sha256={digest}",
    }
