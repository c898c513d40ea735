"""What comes late, what comes again, and the same day run again."""

from __future__ import annotations

from pathlib import Path

from payment_hub.domain.access import Caller
from reconciliation.books import Books
from reconciliation.operations.runs import collect_and_reconcile, export_report, reconcile_day, show_run
from tests.builders import an_obligation, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.reconciliation.night import AGENCY, BANK, a_night, an_officer, found, live, paid, rows
from tests.reconciliation.paper import DAY, NEXT_DAY, PaperBank, a_ledger, a_line, a_statement, leave


def test_what_comes_late_heals_yesterday(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """A payment after the bank's cut-off stands in the next statement; the agency books it a day late."""
    order = paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement()
    leave(drop, a_ledger())
    a_night(books)
    reference = order["obligation"]["reference"]
    assert live(books) == {"T1": "MISSING_AT_BANK", reference: "MISSING_AT_AGENCY"}
    clock.advance(days=1)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), day=NEXT_DAY)
    leave(drop, a_ledger((order["reference"], 150_000), day=NEXT_DAY), day=NEXT_DAY)
    runs = a_night(books, NEXT_DAY)
    assert live(books) == {}
    assert rows(books, "SELECT state, auto_resolved_by FROM discrepancy ORDER BY id") == [
        ("AUTO_RESOLVED", runs[str(BANK)]),
        ("AUTO_RESOLVED", runs[str(AGENCY)]),
    ]
    assert a_night(books, NEXT_DAY) == runs


def test_without_the_file_nothing_is_missing_but_the_file(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Items wait as open; when the file comes at last, they match and the file's case heals."""
    order = paid(books, agency, portal, "T1")
    numbers = a_night(books)
    assert live(books) == {
        "statement of 2026-03-02": "STATEMENT_MISSING",
        "ledger of 2026-03-02": "LEDGER_MISSING",
    }
    view = show_run(books, caller=an_officer("lan"), run=numbers[str(AGENCY)])
    assert view.totals == [
        {
            "side": "hub",
            "currency": "VND",
            "items": {"count": 1, "amount": "150000"},
            "matched": {"count": 0, "amount": "0"},
            "discrepant": {"count": 0, "amount": "0"},
            "open": {"count": 1, "amount": "150000"},
        }
    ]
    bank.statements[DAY] = a_statement(a_line("T1"))
    leave(drop, a_ledger((order["reference"], 150_000)))
    a_night(books)
    assert live(books) == {}


def test_the_same_day_again_gives_the_same_run_and_the_same_bytes(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """I21. Also when the run has healed something that an earlier day had left."""
    paid(books, agency, portal, "T1")
    paid(books, agency, portal, "T2")
    bank.statements[DAY] = a_statement()
    a_night(books)
    clock.advance(days=1)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), a_line("T2", 1_000), day=NEXT_DAY)
    first = a_night(books, NEXT_DAY)
    officer = an_officer("lan")
    reports = {run: export_report(books, caller=officer, run=run) for run in first.values()}
    clock.advance(days=20)
    assert a_night(books, NEXT_DAY) == first
    assert {run: export_report(books, caller=officer, run=run) for run in first.values()} == reports
    repeated = rows(books, "SELECT id FROM reconciliation_run WHERE state = 'REPEATED' ORDER BY id")
    again = [export_report(books, caller=officer, run=run) for (run,) in repeated]
    assert sorted(again) == sorted(reports.values())


def test_a_file_of_the_same_day_with_more_lines_adds_only_what_is_new(
    books: Books, bank: PaperBank, agency: Caller, portal: Caller
) -> None:
    """I22: by file hash, and by line identity."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T1"))
    collect_and_reconcile(books, scope=BANK, day=DAY)
    collect_and_reconcile(books, scope=BANK, day=DAY)
    assert rows(books, "SELECT count(*) FROM statement_file") == [(1,)]
    bank.statements[DAY] = a_statement(a_line("T9", 9_000), a_line("T1"), a_line("T1"))
    collect_and_reconcile(books, scope=BANK, day=DAY)
    assert rows(books, "SELECT bank_transaction_id, occurrence, again FROM statement_line ORDER BY 1, 2") == [
        ("T1", 1, False),
        ("T1", 2, True),
        ("T9", 1, False),
    ]


def test_a_transaction_again_in_a_later_statement_is_a_duplicate_on_both_days(
    books: Books, bank: PaperBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """It pairs off at sight on its own day, and must not be believed for it."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"))
    a_night(books)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1", booked_at=clock()), day=NEXT_DAY)
    late = collect_and_reconcile(books, scope=BANK, day=NEXT_DAY)
    assert found(books, late) == {"T1": "DUPLICATE_AT_BANK"}
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {"T1": "DUPLICATE_AT_BANK"}


def test_an_obligation_booked_before_it_was_paid_heals_when_the_money_comes(
    books: Books, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """The case has the agency's own reference, so it does not matter when the hub learns of the order."""
    reference = an_obligation(books.hub, agency)
    leave(drop, a_ledger((reference, 150_000)))
    collect_and_reconcile(books, scope=AGENCY, day=DAY)
    assert live(books) == {reference: "BOOKED_WITHOUT_RECEIPT"}
    clock.advance(days=1)
    order = an_order(books.hub, agency, portal, obligation=reference)
    hear(books.hub, confirmation(order["reference"]))
    leave(drop, a_ledger(day=NEXT_DAY), day=NEXT_DAY)
    collect_and_reconcile(books, scope=AGENCY, day=NEXT_DAY)
    assert live(books) == {}
