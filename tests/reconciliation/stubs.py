"""Banks and agencies on paper: what they say is what the test has written down for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from payment_hub.domain.banks.profile import BankProfile
from payment_hub.domain.banks.values import Instructions, Movement, PaymentRequest, Statement, StatementLine
from payment_hub.domain.errors import BankUnavailable, HubError
from payment_hub.domain.money import Money, dong

#: The stopped clock's day, and the one after.
DAY = date(2026, 3, 2)
NEXT_DAY = DAY + timedelta(days=1)
NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StubBank:
    """A bank that has nothing but statements. A day can also hold an error to raise."""

    statements: dict[date, Statement | HubError] = field(default_factory=dict)
    code: str = "sandbox"
    profile: ClassVar[BankProfile] = BankProfile("On paper", (), ())

    def fetch_statement(self, day: date) -> Statement:
        """What was written down for the day."""
        found = self.statements.get(day, BankUnavailable("there is no statement yet"))
        if isinstance(found, HubError):
            raise found
        return found

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Not on paper."""
        raise BankUnavailable


def a_line(
    transaction: str,
    amount: int | Money = 150_000,
    reference: str = "",
    movement: Movement = Movement.CREDIT,
    booked_at: datetime = NOON,
) -> StatementLine:
    """One movement; its number is given by ``a_statement``."""
    money = dong(amount) if isinstance(amount, int) else amount
    return StatementLine(0, transaction, reference, money, movement, booked_at)


def a_statement(*lines: StatementLine, day: date = DAY) -> Statement:
    """A statement with these lines, whose raw form says the same."""
    numbered = tuple(
        StatementLine(n, line.bank_transaction_id, line.reference, line.amount, line.movement, line.booked_at)
        for n, line in enumerate(lines, start=1)
    )
    return Statement(day, repr((day, numbered)).encode(), numbered)


def a_ledger(*entries: tuple[str, int], day: date = DAY, first: int = 1) -> bytes:
    """A ledger of (reference, amount) as an agency leaves it."""
    rows = [
        f"{n},{reference},{amount},VND,{day},\n" for n, (reference, amount) in enumerate(entries, start=first)
    ]
    total = sum(amount for _, amount in entries)
    heading = "entry_number,order_reference,amount,currency,booked_on,receipt_number\n"
    return (heading + "".join(rows) + f"total,{len(entries)},{total},VND,,\n").encode()


def leave(folder: Path, raw: bytes, agency: str = "G22.99", day: date = DAY) -> Path:
    """Leave a ledger in the drop folder."""
    path = folder / f"{agency}_{day.isoformat()}.csv"
    path.write_bytes(raw)
    return path
