"""BIDV's side: a payer gives an order's reference at the counter, BIDV asks what is due, takes it, and tells us."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar

from bank_adapters.simulators.callbacks import send_request
from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

SERVICE = "HUB001"
SECRET, TOKEN = "trial-checksum-secret-of-bidv", "trial-bearer-token-of-bidv"


class BidvSimulator(Simulator):
    """The bank that collects for one service."""

    name = "bidv"
    retries: ClassVar[tuple[float, ...]] = (60.0, 300.0, 900.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """One trial account; its secrets are known to both sides."""
        return {"SERVICE_ID": SERVICE, "SECRET": SECRET, "TOKEN_SECRET": TOKEN, "STATEMENTS": str(folder)}

    def pay_bill(self, bill_code: str) -> Payment | None:
        """getbill, and the one bill that it answers."""
        reply = send_request(self.inquiry(bill_code), self.hub_url)
        if reply.status != 200:
            return None
        answer = json.loads(reply.body)
        if answer["result_code"] != "000":
            return None
        bill = answer["data"]
        opened = {"customer_id": bill_code, "customer_name": answer["customer_name"], "type": bill["type"]}
        return self.book.remember(Payment(bill["bill_id"], int(bill["amount"]), opened))

    def inquiry(self, bill_code: str) -> WireRequest:
        """getbill: what is due for this customer."""
        params = {
            "customer_id": bill_code,
            "service_id": SERVICE,
            "checksum": hashed(SERVICE, bill_code),
        }
        return self._message(f"{self.callback_url}/inquiry", params)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """Of a payment that failed the partner gets no callback."""
        if payment.outcome != "PAID" or payment.paid_at is None:
            return []
        paid = {
            "trans_id": payment.transaction_id,
            "trans_date": (payment.paid_at + VIETNAM).strftime("%Y%m%d%H%M%S"),
            "customer_id": payment.opened.get("customer_id", payment.reference),
            "service_id": SERVICE,
            "bill_id": payment.reference,
            "amount": str(payment.amount),
            "additionalData1": "",
            "additionalData2": "",
        }
        paid = self.overridden(paid)
        paid["checksum"] = hashed(paid["trans_id"], paid["bill_id"], paid["amount"])
        return [self._message(self.callback_url, paid)]

    def accepts(self, reply: WireReply) -> bool:
        """000, or 023 for a bill that was paid before."""
        return reply.status == 200 and json.loads(reply.body)["result_code"] in ("000", "023")

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The payments of the day, in our own form."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},PAID")
        return "\n".join(rows) + "\n"

    def _message(self, address: str, fields: Mapping[str, str]) -> WireRequest:
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        return WireRequest("POST", address, b"", headers, json.dumps(fields).encode())


SIMULATOR = BidvSimulator


def hashed(*values: str, secret: str | None = None) -> str:
    """The checksum over ``values``, one after the other behind the secret."""
    return hashlib.md5(
        "".join((SECRET if secret is None else secret, *values)).encode(), usedforsecurity=False
    ).hexdigest()
