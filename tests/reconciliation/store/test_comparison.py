"""The whole comparison in SQL against the pure tests, on random books of two days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payment_hub.domain.banks.values import Movement
from reconciliation.books import Books
from reconciliation.domain.matching import Case, classify
from reconciliation.domain.runs import Side
from reconciliation.operations.runs import reconcile_day
from reconciliation.operations.statements import collect_statement
from tests.builders import confirmation, hear
from tests.conftest import StoppedClock
from tests.reconciliation.night import BANK, empty, found
from tests.reconciliation.paper import DAY, NEXT_DAY, PaperBank, a_line, a_statement

DAYS = {DAY: datetime(2026, 3, 2, 5, tzinfo=UTC), NEXT_DAY: datetime(2026, 3, 3, 5, tzinfo=UTC)}

transactions = st.sampled_from(["T1", "T2", "T3", "T4"])
amounts = st.sampled_from([10_000, 20_000])
days = st.sampled_from([DAY, NEXT_DAY])
movements = st.sampled_from([Movement.CREDIT, Movement.CREDIT, Movement.CREDIT, Movement.DEBIT, Movement.FEE])
heard = st.dictionaries(transactions, st.tuples(days, amounts))
written = st.lists(st.tuples(transactions, days, amounts, movements), max_size=7)

Heard = dict[str, tuple[date, int]]
Written = list[tuple[str, date, int, Movement]]


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.deep)])
def test_sql_finds_what_the_pure_tests_find(
    examples: int, books: Books, bank: PaperBank, clock: StoppedClock
) -> None:
    @settings(deadline=None, max_examples=examples)
    @given(heard=heard, written=written)
    def finds_the_same(heard: Heard, written: Written) -> None:
        compare(books, bank, clock, heard, written)

    finds_the_same()


def compare(books: Books, bank: PaperBank, clock: StoppedClock, heard: Heard, written: Written) -> None:
    """For each day: the cases that it touches, with all that is known of them, and those open from the day before."""
    empty(books)
    clock.moment = DAYS[NEXT_DAY]
    for transaction, (day, amount) in heard.items():
        hear(books.hub, confirmation("?", amount, bank_transaction_id=transaction, paid_at=DAYS[day]))
    for day in DAYS:
        lines = [a_line(key, amount, "", moved) for key, on, amount, moved in written if on == day]
        bank.statements[day] = a_statement(*lines, day=day)
    # The hub must not learn from these statements: what is compared here is the comparison.
    deaf = Books(books.hub, books.ledgers, lambda **_: None)
    for day in DAYS:
        collect_statement(deaf, bank="sandbox", day=day)
    touched: set[str] = set()
    for day in DAYS:
        touched |= {key for key, (on, _) in heard.items() if on == day}
        touched |= {key for key, on, _, moved in written if on == day and moved is not Movement.FEE}
        named = {key: classify(Side.BANK, case_of(key, heard, written)) for key in touched}
        expected = {key: str(kind) for key, kind in named.items() if kind is not None}
        assert found(books, reconcile_day(deaf, scope=BANK, day=day)) == expected
        touched = set(expected)


def case_of(key: str, heard: Heard, written: Written) -> Case:
    """Everything that both books say of a transaction."""
    credits = [amount for one, _, amount, moved in written if one == key and moved is Movement.CREDIT]
    moves = Counter(moved for one, _, _, moved in written if one == key)
    hub = heard.get(key)
    return Case(
        hub_items=int(hub is not None),
        hub_amount=hub[1] if hub else 0,
        hub_currency="VND" if hub else None,
        other_items=len(credits),
        other_amount=sum(credits),
        other_currency="VND" if credits else None,
        charged_back=moves[Movement.DEBIT],
    )
