"""One night, case by case."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from payment_hub.domain.bank_port import Movement
from payment_hub.domain.keys import Caller
from payment_hub.domain.money import Money
from reconciliation.books import Books
from reconciliation.domain.scope import MONEY, agency_scope, bank_scope
from reconciliation.operations.collect_ledgers import collect_ledgers
from reconciliation.operations.collect_statement import collect_statement
from reconciliation.operations.reconcile_day import reconcile_day
from tests.builders import an_order, confirmation, hear
from tests.reconciliation.paper import DAY, PaperBank, a_ledger, a_line, a_statement, leave

BANK = bank_scope("sandbox")
AGENCY = agency_scope("G22.99")


def found(books: Books, run: int) -> dict[str, str]:
    """Case key and kind of everything that the run found."""
    with books.hub.transaction() as session:
        rows = session.execute(text("SELECT case_key, kind FROM finding WHERE run_id = :run"), {"run": run})
        return {case: kind for case, kind in rows}


def live(books: Books) -> dict[str, str]:
    """Case key and kind of everything that still asks for work."""
    with books.hub.transaction() as session:
        rows = session.execute(
            text("SELECT case_key, kind FROM discrepancy WHERE state IN ('OPEN', 'PROPOSED')")
        )
        return {case: kind for case, kind in rows}


def paid(books: Books, agency: Caller, portal: Caller, transaction: str, amount: int = 150_000) -> str:
    """An order that was paid by a callback; its reference."""
    order = an_order(books.hub, agency, portal, amount=amount)
    hear(books.hub, confirmation(order["reference"], amount, bank_transaction_id=transaction))
    reference: str = order["reference"]
    return reference


def test_books_that_agree_have_no_discrepancies(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Three sides, one payment."""
    reference = paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1", 150_000, reference))
    leave(drop, a_ledger((reference, 150_000)))
    assert collect_statement(books, bank="sandbox", day=DAY).new_lines == 1
    assert [kept.new_entries for kept in collect_ledgers(books, day=DAY)] == [1]
    for scope in (BANK, AGENCY, MONEY):
        assert found(books, reconcile_day(books, scope=scope, day=DAY)) == {}
    assert live(books) == {}


def test_each_difference_with_the_bank_has_its_name(
    books: Books, bank: PaperBank, agency: Caller, portal: Caller
) -> None:
    """One of each kind in one statement."""
    for transaction in ("T1", "T2", "T3", "T4", "T5", "T6"):
        paid(books, agency, portal, transaction)
    bank.statements[DAY] = a_statement(
        a_line("T1"),
        a_line("T3", 149_999),
        a_line("T4", Money(150_000, "USD")),
        a_line("T5"),
        a_line("T5"),
        a_line("T6"),
        a_line("T6", movement=Movement.DEBIT),
        a_line("F1", 3_300, movement=Movement.FEE),
    )
    collect_statement(books, bank="sandbox", day=DAY)
    run = reconcile_day(books, scope=BANK, day=DAY)
    assert found(books, run) == {
        "T2": "MISSING_AT_BANK",
        "T3": "AMOUNTS_DIFFER",
        "T4": "CURRENCIES_DIFFER",
        "T5": "DUPLICATE_AT_BANK",
        "T6": "TAKEN_BACK_BY_BANK",
    }
    assert live(books) == found(books, run)
    assert reconcile_day(books, scope=BANK, day=DAY) == run
