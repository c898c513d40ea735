"""Casso's side: tells of every movement on the account, signed over sorted compact JSON and the time."""

from __future__ import annotations

import hmac
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from bank_adapters.simulators.simulator import Payment, WireRequest
from bank_adapters.simulators.transfers import (
    ACCOUNT,
    PAYERS_BANK,
    PAYERS_NAME,
    TransferSimulator,
    compact,
    wall_clock,
)

SECRET = "trial-secret-of-casso-0123456789"  # noqa: S105


class CassoSimulator(TransferSimulator):
    """One account that Casso watches."""

    name = "casso"
    dated = True
    retries: ClassVar[tuple[float, ...]] = (60.0, 120.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The account and the key."""
        return {**cls.account(folder), "SECRET": SECRET}

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The movement, once there is one."""
        if payment.outcome != "PAID":
            return []
        message = {"error": 0, "data": self.overridden(_movement(payment))}
        headers = signed_headers(compact(message), self.book.now())
        body = compact(message, sort=False).encode()
        return [WireRequest("POST", self.callback_url, headers=headers, body=body)]

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The movements of the day, by Casso's own names."""
        lines = ["id,reference,transactionDateTime,description,amount"]
        for payment in payments:
            facts = (
                payment.transaction_id,
                f"FT{payment.transaction_id}",
                wall_clock(payment.paid_at),
                payment.reference,
            )
            lines.append(",".join((*facts, str(payment.amount))))
        return "\n".join(lines) + "\n"


def _movement(payment: Payment) -> dict[str, object]:
    return {
        "id": int(payment.transaction_id),
        "reference": f"FT{payment.transaction_id}",
        "description": payment.reference,
        "amount": payment.amount,
        "runningBalance": 25_000_000,
        "transactionDateTime": wall_clock(payment.paid_at),
        "accountNumber": ACCOUNT,
        "bankName": "VietinBank",
        "bankAbbreviation": "ICB",
        "virtualAccountNumber": "",
        "virtualAccountName": "",
        "counterAccountName": PAYERS_NAME,
        "counterAccountNumber": "0011000000001",
        "counterAccountBankId": PAYERS_BANK,
        "counterAccountBankName": "Vietcombank",
    }


SIMULATOR = CassoSimulator


def signed_headers(text: str, at: datetime, secret: str | None = None) -> dict[str, str]:
    """The headers of a message sent at that moment; ``text`` is its sorted compact JSON."""
    sent = int(at.timestamp() * 1000)
    digest = hmac.new(
        (SECRET if secret is None else secret).encode(), f"{sent}.{text}".encode(), "sha512"
    ).hexdigest()
    return {"content-type": "application/json", "x-casso-signature": f"t={sent},v1={digest}"}
