"""What comes out does not depend on the order in which files come."""

from __future__ import annotations

import itertools

from payment_hub.domain.access import Caller
from payment_hub.domain.refunds.lifecycle import RefundReason
from reconciliation.books import Books
from reconciliation.operations.runs import collect_and_reconcile
from tests.builders import confirmation, hear
from tests.reconciliation.night import BANK, end_state
from tests.reconciliation.paper import DAY, NEXT_DAY, a_line, a_statement
from tests.reconciliation.refunds import PAID, THIRD, PaperRefunds, a_debit, a_refund, returned_as
from tests.stand_in_banks import says


def test_the_order_in_which_files_come_does_not_matter(
    books: Books, bank: PaperRefunds, agency: Caller, portal: Caller, order: str
) -> None:
    hear(books.hub, confirmation(order, bank="sandbox", bank_transaction_id="T2"))
    a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    a_refund(books.hub, bank, order, THIRD, says(returned_as(None)), "R2", reason=RefundReason.OTHER)
    a_refund(books.hub, bank, order, 20_000, says(returned_as("BR3")), "R3", reason=RefundReason.NOT_OWED)
    paid = [a_line("T1", PAID), a_line("T2", PAID)]
    statements = [
        a_statement(*paid, a_debit("X1", THIRD, order)),
        a_statement(a_debit("X1", THIRD, order), *paid, a_debit("T1", 9_000)),
        a_statement(a_debit("BR1", THIRD), a_debit("T2", THIRD), day=NEXT_DAY),
    ]
    ends = []
    for history in itertools.permutations(statements):
        begin_anew(books, bank)
        for one in (*history, history[-1]):
            bank.statements[one.day] = one
            for day in (DAY, NEXT_DAY):
                if day in bank.statements:
                    collect_and_reconcile(books, scope=BANK, day=day)
        ends.append(end_state(books))
    for end in ends[1:]:
        assert end == ends[0]
    assert len(ends[0]["live"]) == 3


def begin_anew(books: Books, bank: PaperRefunds) -> None:
    """Forget all files, runs and discrepancies, but not the hub's own facts."""
    bank.statements.clear()
    with books.hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE statement_file, statement_line, reconciliation_run, finding, discrepancy, discrepancy_event"
        )
