"""Any bank account behind a VietQR code: no callback, a transfer stands in the account's statement."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bank_adapters.simulators.simulator import Payment
from bank_adapters.simulators.transfers import ACCOUNT, TransferSimulator, wall_clock

COLUMNS = (
    "accountno,currency,openingbalance,closingbalance,narrative,transactiondate,debit,credit,flowcode,"
    "transactionfee,transactionvat"
)


class VietqrSimulator(TransferSimulator):
    """One account."""

    name = "vietqr"

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The account."""
        return cls.account(folder)

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """What came in on the day."""
        lines = [COLUMNS]
        for payment in payments:
            line = dict.fromkeys(COLUMNS.split(","), "0")
            line |= {"accountno": ACCOUNT, "currency": "VND", "narrative": payment.reference, "debit": ""}
            line["transactiondate"] = wall_clock(payment.paid_at, "%d/%m/%Y %H:%M:%S")
            line["credit"], line["flowcode"] = str(payment.amount), f"FT{payment.transaction_id}"
            lines.append(",".join(line.values()))
        return "\n".join(lines) + "\n"


SIMULATOR = VietqrSimulator
