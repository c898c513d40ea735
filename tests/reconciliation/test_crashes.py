"""A kill at every statement and every commit of a night, and at every call of the bank: the same end as without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from reconciliation.books import Books
from reconciliation.domain.errors import RunUnderWay
from reconciliation.operations.runs import plan_night
from tests.conftest import StoppedClock
from tests.reconciliation.nights import a_night, empty, end_state, rows
from tests.reconciliation.stubs import DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.orders import a_portal, an_agency, an_obligation, an_order, confirmation, receive

MORNING = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone: no handler of ours may run on this."""


@contextmanager
def killed_at(books: Books, moment: int, *, only_commits: bool) -> Iterator[tuple[Books, Callable[[], int]]]:
    """Kill at the so-manieth commit, or statement; gives the mortal books, and how many there were so far."""
    engine, count = books.hub.engine, 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise Killed

    def before_statement(connection: Connection, *_: Any) -> None:
        commits_itself: bool = connection.connection.dbapi_connection.autocommit  # type: ignore[union-attr]
        if commits_itself or not only_commits:
            step()

    def before_commit(_: Connection) -> None:
        step()

    def confirm(**told: Any) -> None:
        """The hub commits what it is told by itself."""
        step()
        books.confirm(**told)
        step()

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    try:
        yield replace(books, confirm=confirm), lambda: count
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)


def a_day(books: Books, bank: StubBank, drop: Path, clock: StoppedClock) -> None:
    """One payment in order, one that only the statement knows, one that the statement lacks, one booked wrongly."""
    clock.moment = MORNING
    agency, portal = an_agency(books.hub), a_portal(books.hub)
    orders = []
    for n in range(3):
        clock.advance(seconds=1)
        orders.append(
            an_order(
                books.hub, agency, portal, obligation=an_obligation(books.hub, agency, reference=f"QD-{n}")
            )
        )
    references = [order["reference"] for order in orders]
    for n in (0, 1):
        receive(books.hub, confirmation(references[n], bank_transaction_id=f"T{n}"))
    bank.statements[DAY] = a_statement(
        a_line("T0"), a_line("T2", 150_000, references[2]), a_line("T3", 1_000)
    )
    leave(drop, a_ledger((references[0], 150_000), ("QD-1", 15_000)))


def nameless(books: Books) -> str:
    """The end state with order references by their number: they have chance in them."""
    state = repr(end_state(books))
    for n, (reference,) in enumerate(rows(books, "SELECT reference FROM payment_order ORDER BY id")):
        state = state.replace(reference, f"order {n}")
    return state


def settled(books: Books, clock: StoppedClock) -> None:
    """What the clock does after a kill: the night again, and once more when the lease is over."""
    try:
        a_night(books)
    except RunUnderWay:
        clock.advance(minutes=31)
        a_night(books)


@pytest.mark.parametrize("only_commits", [True, pytest.param(False, marks=pytest.mark.deep)])
def test_a_kill_anywhere_changes_nothing_in_the_end(
    only_commits: bool, books: Books, bank: StubBank, drop: Path, clock: StoppedClock
) -> None:
    """Before every commit, which is all that can make a difference; and, when there is time, before every statement."""
    a_day(books, bank, drop, clock)
    plan_night(books, day=DAY)
    with killed_at(books, 0, only_commits=only_commits) as (mortal, so_far):
        a_night(mortal)
        steps = so_far()
    expected = nameless(books)
    assert "'unfinished': []" in expected
    for moment in range(1, steps + 1):
        empty(books)
        a_day(books, bank, drop, clock)
        plan_night(books, day=DAY)
        with killed_at(books, moment, only_commits=only_commits) as (mortal, _), pytest.raises(Killed):
            a_night(mortal)
        settled(books, clock)
        assert nameless(books) == expected, f"killed at step {moment} of {steps}"
    assert steps >= 12


def test_a_run_that_fails_says_why_and_the_next_one_succeeds(
    books: Books, bank: StubBank, drop: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is kept in a transaction of its own; nothing of the failed run remains."""
    a_day(books, bank, drop, clock)

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as planted:
        planted.setattr("reconciliation.store.findings.update_discrepancies", broken)
        with pytest.raises(ZeroDivisionError):
            a_night(books)
    assert rows(books, "SELECT state, reason FROM reconciliation_run") == [
        ("FAILED", "ZeroDivisionError: planted")
    ]
    assert rows(books, "SELECT count(*) FROM finding") == [(0,)]
    a_night(books)
    assert rows(books, "SELECT count(*) FROM reconciliation_run WHERE state = 'COMMITTED'") == [(3,)]
