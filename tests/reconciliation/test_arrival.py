"""I23: what comes out does not depend on the order in which files arrive, nor on how they are cut into pieces."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from payment_hub.domain.banks.values import Statement
from reconciliation.books import Books
from tests.conftest import StoppedClock
from tests.reconciliation.nights import a_night, end_state, paid
from tests.reconciliation.stubs import DAY, NEXT_DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.orders import a_portal, an_agency, an_order

#: Of the 120 orders of arrival, how many are tried when there is little time; which ones is up to the seed.
SOME, ALL = 3, 120


Arrive = Callable[[], None]


@pytest.mark.parametrize("tried", [SOME, pytest.param(ALL, marks=pytest.mark.deep)])
def test_every_order_of_arrival_comes_to_the_same_end(
    tried: int, books: Books, bank: StubBank, drop: Path, clock: StoppedClock
) -> None:
    """The orders of one day are the same in every history; only reconciliation is begun anew each time."""
    agency, portal = an_agency(books.hub), a_portal(books.hub)
    orders = [paid(books, agency, portal, f"T{n}") for n in range(5)]
    one, two, three = (order["reference"] for order in orders[:3])
    unheard = an_order(books.hub, agency, portal)["reference"]
    first = [a_line("T0"), a_line("T1", 149_000), a_line("T2")]
    arrivals = [
        statement(bank, a_statement(*first)),
        statement(bank, a_statement(*reversed(first), a_line("T2"), a_line("U1", 150_000, unheard))),
        statement(bank, a_statement(a_line("T3"), a_line("T0", booked_at=clock()), day=NEXT_DAY)),
        ledger(drop, DAY, (one, 150_000), (two, 15_000)),
        ledger(drop, NEXT_DAY, (three, 150_000), (one, 150_000)),
    ]
    ends = []
    for history in random.sample(list(itertools.permutations(arrivals)), tried):
        begin_anew(books, bank, drop)
        for arrive in (*history, void):
            arrive()
            a_night(books, DAY)
            a_night(books, NEXT_DAY)
        ends.append(end_state(books))
    for end in ends[1:]:
        assert end == ends[0]
    assert [kind for _, _, kind in ends[0]["live"]] != []


def statement(bank: StubBank, one: Statement) -> Arrive:
    """The bank has this statement of a day now."""

    def arrive() -> None:
        bank.statements[one.day] = one

    return arrive


def ledger(drop: Path, day: date, *entries: tuple[str, int]) -> Arrive:
    """The agency has left its book of a day."""

    def arrive() -> None:
        leave(drop, a_ledger(*entries, day=day), day=day)

    return arrive


def void() -> None:
    """Nothing more arrives."""


def begin_anew(books: Books, bank: StubBank, drop: Path) -> None:
    """Forget all files, runs and discrepancies, but not the hub's own facts."""
    bank.statements.clear()
    for path in drop.iterdir():
        path.unlink()
    with books.hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE statement_file, statement_line, ledger_file, ledger_entry, reconciliation_run, finding,"
            " discrepancy, discrepancy_event"
        )
