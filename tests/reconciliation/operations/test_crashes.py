"""A kill at every statement and every commit of a night, and at every call of the bank: the same end as without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from payment_hub.hub import Hub
from reconciliation.books import Books
from reconciliation.domain.errors import RunUnderWay
from reconciliation.operations.plan_night import plan_night
from tests.builders import a_portal, an_agency, an_order
from tests.conftest import StoppedClock
from tests.reconciliation.night import a_night, empty, end_state, paid, rows
from tests.reconciliation.paper import DAY, PaperBank, a_ledger, a_line, a_statement, leave


class Killed(BaseException):
    """The process is gone: no handler of ours may run on this."""


@contextmanager
def killed_at(engine: Engine, moment: int) -> Iterator[Callable[[], int]]:
    """Kill at the so-manieth statement or commit; gives how many there were so far."""
    count = 0

    def step(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise Killed

    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    try:
        yield lambda: count
    finally:
        event.remove(engine, "before_cursor_execute", step)
        event.remove(engine, "commit", step)


def a_day(books: Books, bank: PaperBank, drop: Path) -> None:
    """One payment in order, one that only the statement knows, one that the statement lacks, one booked wrongly."""
    agency, portal = an_agency(books.hub), a_portal(books.hub)
    first = paid(books, agency, portal, "T1")
    second = paid(books, agency, portal, "T2")
    unheard = an_order(books.hub, agency, portal)
    references = {first["reference"]: "A", second["reference"]: "B", unheard["reference"]: "C"}
    assert len(references) == 3
    bank.statements[DAY] = a_statement(
        a_line("T1"), a_line("T3", 150_000, unheard["reference"]), a_line("T4", 1_000)
    )
    leave(drop, a_ledger((first["reference"], 150_000), (second["obligation"]["reference"], 15_000)))


def without_names(state: dict[str, list[tuple[Any, ...]]], books: Books) -> str:
    """The state with order references and obligations by their number: they differ from history to history."""
    text = repr(state)
    for n, (order, obligation) in enumerate(
        rows(
            books,
            "SELECT o.reference, b.reference FROM payment_order o JOIN obligation b ON b.id = o.obligation_id ORDER BY o.id",
        )
    ):
        text = (
            text.replace(order, f"order {n}")
            .replace(f"{obligation!r}", f"obligation {n}")
            .replace(f"{obligation} ", f"obligation {n} ")
        )
    return text


def settled(books: Books, clock: StoppedClock) -> None:
    """What the clock does after a kill: the night again, and once more when the lease is over."""
    try:
        a_night(books)
    except RunUnderWay:
        clock.advance(minutes=31)
        a_night(books)


def test_a_kill_anywhere_changes_nothing_in_the_end(
    books: Books, bank: PaperBank, drop: Path, hub: Hub, clock: StoppedClock
) -> None:
    """Every statement and commit is enumerated; the printed number says how many there were."""
    a_day(books, bank, drop)
    plan_night(books, day=DAY)
    with killed_at(hub.engine, 0) as so_far:
        a_night(books)
        steps = so_far()
    expected = without_names(end_state(books), books)
    assert "'unfinished': []" in expected
    for moment in range(1, steps + 1):
        empty(books)
        a_day(books, bank, drop)
        plan_night(books, day=DAY)
        with killed_at(hub.engine, moment), pytest.raises(Killed):
            a_night(books)
        settled(books, clock)
        assert without_names(end_state(books), books) == expected, f"killed at step {moment} of {steps}"
    print(f"{steps} crash points")
    assert steps > 40


def test_a_run_that_fails_says_why_and_the_next_one_succeeds(
    books: Books, bank: PaperBank, drop: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is kept in a transaction of its own; nothing of the failed run remains."""
    a_day(books, bank, drop)

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as planted:
        planted.setattr("reconciliation.store.findings.let_discrepancies_follow", broken)
        with pytest.raises(ZeroDivisionError):
            a_night(books)
    assert rows(books, "SELECT state, reason FROM reconciliation_run") == [
        ("FAILED", "ZeroDivisionError: planted")
    ]
    assert rows(books, "SELECT count(*) FROM finding") == [(0,)]
    a_night(books)
    assert rows(books, "SELECT count(*) FROM reconciliation_run WHERE state = 'COMMITTED'") == [(3,)]
