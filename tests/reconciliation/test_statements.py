"""Statements: claimed once, whoever claims them; which lines are new; refused whole, and kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import count

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Movement, Statement
from payment_hub.domain.errors import MalformedStatement
from reconciliation.books import Books
from reconciliation.operations.discrepancies import list_discrepancies
from reconciliation.operations.runs import collect_and_reconcile
from reconciliation.operations.statements import collect_statement
from tests.reconciliation.nights import BANK, a_night, an_officer, found, live, paid, rows
from tests.reconciliation.stubs import DAY, NEXT_DAY, StubBank, a_line, a_statement


def lines(books: Books) -> list[tuple[str, str, int, bool]]:
    """Day, transaction, occurrence and whether it comes once more, in the order in which they came."""
    query = "SELECT day::text, bank_transaction_id, occurrence, repeated FROM statement_line ORDER BY id"
    return [
        (day, transaction, occurrence, repeated)
        for day, transaction, occurrence, repeated in rows(books, query)
    ]


def test_a_second_identical_line_in_a_later_file_of_the_day_is_a_second_movement(
    books: Books, bank: StubBank, agency: Caller, portal: Caller
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


def test_an_identical_line_of_another_day_is_a_second_movement(books: Books, bank: StubBank) -> None:
    bank.statements[DAY] = a_statement(a_line("T1"))
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), day=NEXT_DAY)
    for day in (DAY, NEXT_DAY):
        assert collect_statement(books, bank="sandbox", day=day).new_lines == 1
    assert lines(books) == [("2026-03-02", "T1", 1, False), ("2026-03-03", "T1", 1, True)]


def test_lines_that_differ_in_one_thing_are_no_repetition_of_each_other(books: Books, bank: StubBank) -> None:
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


def test_a_fee_of_a_transaction_is_not_the_transaction_once_more(books: Books, bank: StubBank) -> None:
    bank.statements[DAY] = a_statement(a_line("T1", 100, movement=Movement.FEE), a_line("T1"))
    collect_statement(books, bank="sandbox", day=DAY)
    assert lines(books) == [("2026-03-02", "T1", 1, False), ("2026-03-02", "T1", 1, False)]


class GrowingBank(StubBank):
    """A bank whose file of the day has one more line each time."""

    lines = count(1)

    def fetch_statement(self, day: date) -> Statement:
        """All lines so far, the newest first."""
        return a_statement(*(a_line(f"T{n}", 1_000 + n) for n in range(next(self.lines), 0, -1)), day=day)


def test_many_collectors_at_once_claim_each_line_once(books: Books, agency: Caller) -> None:
    """Eight at a time, each with another piece of the same day."""
    growing = replace(books, hub=replace(books.hub, adapters={"sandbox": GrowingBank()}))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: collect_statement(growing, bank="sandbox", day=DAY), range(16)))
    assert rows(
        books, "SELECT count(*), count(DISTINCT bank_transaction_id), bool_or(repeated) FROM statement_line"
    ) == [(16, 16, False)]
    assert rows(books, "SELECT count(*), sum(amount)::bigint FROM collection") == [(16, 16 * 1_000 + 136)]


def test_money_is_heard_page_by_page(
    books: Books, bank: StubBank, agency: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is left out and none is told twice."""
    monkeypatch.setattr("reconciliation.operations.statements._PAGE", 2)
    bank.statements[DAY] = a_statement(*(a_line(f"T{n}") for n in range(5)))
    assert collect_statement(books, bank="sandbox", day=DAY).new_money == 5
    assert collect_statement(books, bank="sandbox", day=DAY).new_money == 0
    assert rows(books, "SELECT count(*) FROM confirmation") == [(5,)]


def test_a_bad_statement_is_kept_and_reported(books: Books, bank: StubBank, agency: Caller) -> None:
    """The adapter names line and column and gives the bytes."""
    bank.statements[DAY] = MalformedStatement(
        "line 7, column 3: '1.000' is not a plain amount", raw=b"the file"
    )
    assert collect_statement(books, bank="sandbox", day=DAY).refused is not None
    assert rows(books, "SELECT state, raw FROM statement_file") == [("REFUSED", b"the file")]
    run = a_night(books)[str(BANK)]
    assert found(books, run) == {"statement of 2026-03-02": "STATEMENT_REFUSED"}
    (seen,) = list_discrepancies(books, caller=an_officer("lan"), scope=str(BANK)).items
    assert "line 7, column 3" in seen.finding.explained("vi").what
    bank.statements[DAY] = a_statement()
    a_night(books)
    assert live(books) == {"ledger of 2026-03-02": "LEDGER_MISSING"}


def test_a_statement_of_another_day_is_refused(books: Books, bank: StubBank, agency: Caller) -> None:
    """A bank that sends yesterday's file again has not sent today's."""
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"))
    refused = collect_statement(books, bank="sandbox", day=NEXT_DAY).refused
    assert refused == "the statement is of 2026-03-02, not of 2026-03-03"
    assert rows(books, "SELECT count(*) FROM statement_line") == [(0,)]
