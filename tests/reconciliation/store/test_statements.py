"""Which lines of a statement are new, and which are a transaction once more."""

from __future__ import annotations

from dataclasses import replace

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Movement
from reconciliation.books import Books
from reconciliation.operations.runs import collect_and_reconcile
from reconciliation.operations.statements import collect_statement
from tests.asking import rows
from tests.reconciliation.night import BANK, found, paid
from tests.reconciliation.paper import DAY, NEXT_DAY, PaperBank, a_line, a_statement


def lines(books: Books) -> list[tuple[str, str, int, bool]]:
    """Day, transaction, occurrence and whether it comes once more, in the order in which they came."""
    kept = rows(books.hub, "SELECT * FROM statement_line ORDER BY id")
    return [
        (row["day"].isoformat(), row["bank_transaction_id"], row["occurrence"], row["again"]) for row in kept
    ]


def test_a_second_identical_line_in_a_later_file_of_the_day_is_a_second_movement(
    books: Books, bank: PaperBank, agency: Caller, portal: Caller
) -> None:
    """The first file had it once, the later one has it twice: one is old, one is new, and the money is one too many."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"))
    assert found(books, collect_and_reconcile(books, scope=BANK, day=DAY)) == {}
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T1"))
    assert found(books, collect_and_reconcile(books, scope=BANK, day=DAY)) == {"T1": "DUPLICATE_AT_BANK"}
    assert lines(books) == [("2026-03-02", "T1", 1, False), ("2026-03-02", "T1", 2, True)]
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T2", 5), a_line("T1"))
    assert collect_statement(books, bank="sandbox", day=DAY).new_lines == 1
    assert lines(books)[2:] == [("2026-03-02", "T2", 1, False)]


def test_an_identical_line_of_another_day_is_a_second_movement(books: Books, bank: PaperBank) -> None:
    bank.statements[DAY] = a_statement(a_line("T1"))
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), day=NEXT_DAY)
    for day in (DAY, NEXT_DAY):
        assert collect_statement(books, bank="sandbox", day=day).new_lines == 1
    assert lines(books) == [("2026-03-02", "T1", 1, False), ("2026-03-03", "T1", 1, True)]


def test_lines_that_differ_in_one_thing_are_no_repetition_of_each_other(
    books: Books, bank: PaperBank
) -> None:
    one = a_line("T1", 5_000, "one")
    others = [
        replace(one, amount=a_line("T1", 6_000).amount),
        replace(one, reference="other"),
        replace(one, movement=Movement.DEBIT),
        replace(one, bank_transaction_id="T2"),
    ]
    for several in ((one,), (one, *others)):
        bank.statements[DAY] = a_statement(*several)
        collect_statement(books, bank="sandbox", day=DAY)
    assert lines(books) == [
        ("2026-03-02", "T1", 1, False),
        ("2026-03-02", "T1", 1, True),
        ("2026-03-02", "T1", 1, True),
        ("2026-03-02", "T1", 1, True),
        ("2026-03-02", "T2", 1, False),
    ]


def test_a_fee_of_a_transaction_is_not_the_transaction_once_more(books: Books, bank: PaperBank) -> None:
    bank.statements[DAY] = a_statement(a_line("T1", 100, movement=Movement.FEE), a_line("T1"))
    collect_statement(books, bank="sandbox", day=DAY)
    assert lines(books) == [("2026-03-02", "T1", 1, False), ("2026-03-02", "T1", 1, False)]
