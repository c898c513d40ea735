"""I23: what comes out does not depend on the order in which files arrive, nor on how they are cut into pieces."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from payment_hub.domain.bank_port import Statement
from reconciliation.books import Books
from tests.builders import a_portal, an_agency, an_order
from tests.conftest import StoppedClock
from tests.reconciliation.night import a_night, end_state, paid
from tests.reconciliation.paper import DAY, NEXT_DAY, PaperBank, a_ledger, a_line, a_statement, leave

#: Of the 120 orders of arrival, how many are tried when there is little time; which ones is up to the seed.
SOME, ALL = 5, 120


@pytest.mark.parametrize("tried", [SOME, pytest.param(ALL, marks=pytest.mark.deep)])
def test_every_order_of_arrival_comes_to_the_same_end(
    tried: int, books: Books, bank: PaperBank, drop: Path, clock: StoppedClock
) -> None:
    """The orders of one day are the same in every history; only reconciliation is begun anew each time."""
    agency, portal = an_agency(books.hub), a_portal(books.hub)
    orders = [paid(books, agency, portal, f"T{n}") for n in range(5)]
    unheard = an_order(books.hub, agency, portal)
    references = [order["reference"] for order in orders]
    first = [a_line("T0"), a_line("T1", 149_000), a_line("T2")]
    pieces: dict[str, tuple[Statement, ...]] = {
        "first half": (a_statement(*first),),
        "whole": (a_statement(*reversed(first), a_line("T2"), a_line("U1", 150_000, unheard["reference"])),),
        "next day": (a_statement(a_line("T3"), a_line("T0", booked_at=clock()), day=NEXT_DAY),),
    }

    def statement(name: str) -> Callable[[], None]:
        def arrive() -> None:
            (one,) = pieces[name]
            bank.statements[one.day] = one

        return arrive

    def ledger(*entries: tuple[str, int], day: timedelta) -> Callable[[], None]:
        return lambda: void(leave(drop, a_ledger(*entries, day=DAY + day), day=DAY + day))

    arrivals = [
        statement("first half"),
        statement("whole"),
        statement("next day"),
        ledger((references[0], 150_000), (references[1], 15_000), day=timedelta(0)),
        ledger((references[2], 150_000), (references[0], 150_000), day=timedelta(1)),
    ]
    ends = []
    for history in random.sample(list(itertools.permutations(arrivals)), tried):
        begin_anew(books, bank, drop)
        for arrive in history:
            arrive()
            a_night(books, DAY)
            a_night(books, NEXT_DAY)
        a_night(books, DAY)
        a_night(books, NEXT_DAY)
        ends.append(end_state(books))
    for end in ends[1:]:
        assert end == ends[0]
    assert [kind for _, _, kind in ends[0]["live"]] != []


def void(_: object) -> None:
    """Forget a result."""


def begin_anew(books: Books, bank: PaperBank, drop: Path) -> None:
    """Forget all files, runs and discrepancies, but not the hub's own facts."""
    bank.statements.clear()
    for path in drop.iterdir():
        path.unlink()
    with books.hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE statement_file, statement_line, ledger_file, ledger_entry, reconciliation_run, finding,"
            " discrepancy, discrepancy_event"
        )
