"""A bank on paper that gives money back, and refunds that went through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from payment_hub.domain.banks.values import Movement, RefundAnswer, RefundOutcome, Statement, StatementLine
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.refunds.send import send_refunds
from reconciliation.books import Books
from reconciliation.operations.runs import collect_and_reconcile, show_run
from tests.reconciliation.nights import BANK, an_officer, found
from tests.reconciliation.stubs import DAY, NEXT_DAY, NOON, a_line, a_statement
from tests.worlds.database import rows
from tests.worlds.refunds import LAN, RefundingBank, approve, propose

PAID, THIRD = 150_000, 50_000
SILENCE = BankUnavailable("no answer")


@dataclass
class RefundingStub(RefundingBank):
    """Its statements are what the test has written down."""

    statements: dict[date, Statement] = field(default_factory=dict)
    code: str = "sandbox"

    def fetch_statement(self, day: date) -> Statement:
        """What was written down for the day."""
        if day not in self.statements:
            raise BankUnavailable("there is no statement yet")
        return self.statements[day]


def returned_as(bank_refund_id: str | None) -> RefundAnswer:
    """The bank's word for a refund that it has carried out."""
    return RefundAnswer(RefundOutcome.SUCCEEDED, "00", bank_refund_id)


def a_refund(
    hub: Hub,
    bank: RefundingStub,
    order: str,
    amount: int,
    answer: Callable[[Any], RefundAnswer],
    refund_id: str = "R1",
    **more: Any,
) -> str:
    """A refund that was sent, with the bank's answer; its reference."""
    bank.on_refund = answer
    propose(hub, LAN, order, amount, refund_id=refund_id, **more)
    approve(hub, order, refund_id)
    send_refunds(hub)
    return reference_of(hub, refund_id, order)


def reference_of(hub: Hub, refund_id: str, order: str) -> str:
    """By what the bank knows the refund."""
    sql = """SELECT r.reference FROM refund r JOIN payment_order o ON o.id = r.order_id
        WHERE r.refund_id = :refund_id AND o.reference = :order"""
    (row,) = rows(hub, sql, refund_id=refund_id, order=order)
    return str(row["reference"])


def a_debit(transaction: str, amount: int, reference: str = "", **more: Any) -> StatementLine:
    """Money that left."""
    return a_line(transaction, amount, reference, Movement.DEBIT, **{"booked_at": NOON} | more)


def night(books: Books, bank: RefundingStub, *lines: StatementLine, next_day: bool = False) -> dict[str, str]:
    """What the night finds of a day whose statement has these lines, and on the first day the payment."""
    day = NEXT_DAY if next_day else DAY
    paid = () if next_day else (a_line("T1", PAID),)
    bank.statements[day] = a_statement(*paid, *lines, day=day)
    return found(books, collect_and_reconcile(books, scope=BANK, day=day))


def totals(books: Books, run: int) -> dict[str, tuple[int, int, int, int]]:
    """How many items of each side came, matched, did not, and are open."""
    view = show_run(books, caller=an_officer("lan"), run=run)
    names = ("items", "matched", "discrepant", "open")
    return {line["side"]: tuple(line[name]["count"] for name in names) for line in view.totals}
