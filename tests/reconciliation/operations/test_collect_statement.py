"""Statements: claimed once, whoever claims them, and heard in pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import count

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Statement
from reconciliation.books import Books
from reconciliation.operations.statements import collect_statement
from tests.reconciliation.night import rows
from tests.reconciliation.paper import DAY, PaperBank, a_line, a_statement


class GrowingBank(PaperBank):
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
        books, "SELECT count(*), count(DISTINCT bank_transaction_id), bool_or(again) FROM statement_line"
    ) == [(16, 16, False)]
    assert rows(books, "SELECT count(*), sum(amount)::bigint FROM collection") == [(16, 16 * 1_000 + 136)]


def test_money_is_heard_page_by_page(
    books: Books, bank: PaperBank, agency: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is left out and none is told twice."""
    monkeypatch.setattr("reconciliation.operations.statements._PAGE", 2)
    bank.statements[DAY] = a_statement(*(a_line(f"T{n}") for n in range(5)))
    assert collect_statement(books, bank="sandbox", day=DAY).money_learnt == 5
    assert collect_statement(books, bank="sandbox", day=DAY).money_learnt == 0
    assert rows(books, "SELECT count(*) FROM confirmation") == [(5,)]
