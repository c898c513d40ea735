"""VNPAY-QR as the hub meets it: a banking app scans a merchant's text, and the merchant service tells the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

MERCHANT = "0109999999"
SECRET = "trial@MERCHANT"  # noqa: S105
SIGNED = "code msgType txnId qrTrace bankCode mobile accountNo amount payDate merchantCode"


class VnpayQrSimulator(Simulator):
    """One merchant of the service. It learns of a payment when it is made, not before."""

    name = "vnpayqr"
    retries: ClassVar[tuple[float, ...]] = (60.0,) * 5
    """Nothing is known of the bank's own."""

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The merchant; there is no address, because the hub never calls."""
        return {
            "MERCHANT_CODE": MERCHANT,
            "MERCHANT_NAME": "CONG DICH VU CONG",
            "CITY": "HANOI",
            "STORE": "HUB",
            "TERMINAL": "HUB00001",
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
        }

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        """The bill number of the scanned text names the payment; a text of another merchant is refused."""
        if not qr_text:
            return self.book.remember(Payment(purpose, amount))
        code = _fields(qr_text)
        payee = _fields(code["26"])
        if (payee["00"], payee["01"]) != ("A000000775", MERCHANT):
            raise ValueError("the text names another merchant")
        return self.book.remember(Payment(_fields(code["62"])["01"], amount))

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The IPN, for money that has come; nothing else has a callback."""
        if payment.outcome != "PAID":
            return []
        message = {
            "code": "00",
            "message": f"Tru tien thanh cong, so trace {payment.transaction_id}",
            "msgType": "1",
            "txnId": payment.reference,
            "qrTrace": payment.transaction_id,
            "bankCode": "VIETCOMBANK",
            "mobile": "0900000000",
            "accountNo": "",
            "amount": str(payment.amount),
            "payDate": _vietnam(payment.paid_at, "%Y%m%d%H%M%S"),
            "masterMerCode": "A000000775",
            "merchantCode": MERCHANT,
            "terminalId": "HUB00001",
            "addData": [{"merchantType": "9999", "amount": str(payment.amount), "ccy": "704", "qty": "1"}],
        }
        message = self.overridden(message)
        signed = {**message, "checksum": checksum(message)}
        return [WireRequest("POST", self.callback_url, body=json.dumps(signed).encode())]

    def accepts(self, reply: WireReply) -> bool:
        """Any code but 08, which says that there is no result yet."""
        try:
            return reply.status == 200 and json.loads(reply.body)["code"] != "08"
        except (ValueError, KeyError, TypeError):
            return False

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The columns that the hub reads."""
        lines = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            moment = _vietnam(payment.paid_at, "%Y-%m-%d %H:%M:%S")
            lines.append(f"{moment},{payment.transaction_id},{payment.reference},{payment.amount},00")
        return "\n".join(lines) + "\n"


def _fields(text: str) -> dict[str, str]:
    fields, place = {}, 0
    while place < len(text):
        length = int(text[place + 2 : place + 4])
        fields[text[place : place + 2]] = text[place + 4 : place + 4 + length]
        place += 4 + length
    return fields


def _vietnam(moment: datetime | None, pattern: str) -> str:
    return (moment + VIETNAM).strftime(pattern) if moment else ""


SIMULATOR = VnpayQrSimulator


def checksum(message: Mapping[str, Any], secret: str | None = None) -> str:
    """The checksum of an IPN; what is null or absent keeps its place."""
    values = (message.get(name) for name in SIGNED.split())
    signed = "|".join(
        [*("" if value is None else str(value) for value in values), SECRET if secret is None else secret]
    )
    return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest().upper()
