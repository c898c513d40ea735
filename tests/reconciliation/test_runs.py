"""Runs: what a night consists of, how a lost night is made up for, one at a time, and what makes two runs the same."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import BankUnavailable, Conflict, Malformed
from reconciliation.books import Books
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE, DiscrepancyState
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.runs import (
    LEASE,
    MONEY,
    RUN_LIFE,
    RunState,
    Scope,
    Side,
    agency_scope,
    bank_scope,
    run_key,
)
from reconciliation.operations.runs import catch_up_nights, collect_and_reconcile, plan_night, reconcile_day
from reconciliation.store import runs
from tests.conftest import StoppedClock
from tests.reconciliation.nights import BANK, paid, rows
from tests.reconciliation.stubs import DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.orders import an_agency


def carry_out(books: Books, planned: tuple[tuple[str, str], ...]) -> None:
    """What the tasks do; a bank without a statement is left for later."""
    for scope, day in planned:
        try:
            collect_and_reconcile(books, scope=Scope.parse(scope), day=DAY.fromisoformat(day))
        except BankUnavailable:
            continue


def test_a_night_has_every_bank_and_the_agencies_of_the_day(
    books: Books, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """Agencies with receipts, with a ledger in the folder, or that have left ledgers before."""
    paid(books, agency, portal, "T1")
    an_agency(books.hub, "H01.1")
    an_agency(books.hub, "H02.2")
    leave(drop, a_ledger(), agency="H01.1")
    clock.advance(hours=15, minutes=30)
    planned = (
        ("bank:sandbox", "2026-03-02"),
        ("agency:G22.99", "2026-03-02"),
        ("agency:H01.1", "2026-03-02"),
        ("money:left-open", "2026-03-02"),
    )
    assert plan_night(books) == planned
    assert plan_night(books) == planned
    assert rows(books, "SELECT count(*) FROM reconciliation_run WHERE state = 'PLANNED'") == [(4,)]
    carry_out(books, planned)
    clock.advance(days=1)
    assert ("agency:H01.1", "2026-03-03") in plan_night(books)


def test_nights_that_the_broker_lost_are_made_up_for(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """Up to a week later, oldest first; what has come to an end is not asked for again."""
    assert catch_up_nights(books) == ()
    order = paid(books, agency, portal, "T1")
    clock.advance(days=2)
    assert {day for _, day in catch_up_nights(books)} == {"2026-03-02", "2026-03-03"}
    carry_out(books, catch_up_nights(books))
    # Only what a bank may have by now, or what an agency has left since, is worth another look.
    assert catch_up_nights(books) == (("bank:sandbox", "2026-03-02"), ("bank:sandbox", "2026-03-03"))
    bank.statements[DAY] = a_statement(a_line("T1"))
    bank.statements[DAY + timedelta(days=1)] = a_statement(day=DAY + timedelta(days=1))
    leave(drop, a_ledger((order["reference"], 150_000)))
    carry_out(books, catch_up_nights(books))
    # An agency that has begun to leave ledgers is expected to leave one every day.
    assert catch_up_nights(books) == (("agency:G22.99", "2026-03-03"),)
    carry_out(books, catch_up_nights(books))
    assert catch_up_nights(books) == ()
    clock.advance(days=30)
    assert all(day > "2026-03-20" for _, day in catch_up_nights(books))


def test_one_pair_of_books_is_compared_by_one_run_at_a_time(books: Books, clock: StoppedClock) -> None:
    """Until its lease is over; then its place is given to the next."""
    with books.hub.transaction() as session:
        runs.plan(session, scope=BANK, agency=None, day=DAY, by="test", at=clock())
        runs.start(session, scope=BANK, day=DAY, at=clock())
    with pytest.raises(RunUnderWay):
        reconcile_day(books, scope=BANK, day=DAY)
    clock.moment += LEASE
    reconcile_day(books, scope=BANK, day=DAY)
    assert rows(books, "SELECT state FROM reconciliation_run") == [("COMMITTED",)]


def test_a_run_whose_lease_was_given_away_writes_nothing(
    books: Books, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one finds its place taken, and leaves the other's run alone."""
    real = runs.hold

    def slow(*args: object, **known: object) -> bool:
        monkeypatch.setattr(runs, "hold", real)
        clock.moment += LEASE
        reconcile_day(books, scope=BANK, day=DAY)
        return real(*args, **known)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "hold", slow)
    with pytest.raises(Exception, match=r"run 1|serialize"):
        reconcile_day(books, scope=BANK, day=DAY)
    assert rows(books, "SELECT state FROM reconciliation_run") == [("COMMITTED",)]


def test_what_has_ended_cannot_be_changed_or_deleted(books: Books) -> None:
    """Not by anybody (I25)."""
    reconcile_day(books, scope=BANK, day=DAY)
    for attempt in (
        "UPDATE reconciliation_run SET reason = 'other' RETURNING id",
        "DELETE FROM reconciliation_run RETURNING id",
        "DELETE FROM discrepancy RETURNING id",
        "UPDATE finding SET kind = 'HELD' RETURNING id",
        "DELETE FROM discrepancy_event RETURNING id",
    ):
        with pytest.raises(Exception, match="append-only"):
            rows(books, attempt)


def test_a_run_is_known_by_everything_that_it_depends_on() -> None:
    key = run_key(bank_scope("a"), DAY, files=["x", "y"], facts=1)
    assert key == run_key(bank_scope("a"), DAY, files=["y", "x"], facts=1)
    others = [
        run_key(bank_scope("b"), DAY, files=["x", "y"], facts=1),
        run_key(bank_scope("a"), date(2026, 3, 3), files=["x", "y"], facts=1),
        run_key(bank_scope("a"), DAY, files=["x"], facts=1),
        run_key(bank_scope("a"), DAY, files=["x", "y"], facts=2),
    ]
    assert len({key, *others}) == 5


def test_the_lives_end_where_they_should() -> None:
    assert [state for state in DiscrepancyState if DISCREPANCY_LIFE.is_final(state)] == [
        "RESOLVED",
        "AUTO_RESOLVED",
    ]
    assert [state for state in RunState if RUN_LIFE.is_final(state)] == ["COMMITTED", "REPEATED", "FAILED"]


@pytest.mark.parametrize("scope", [bank_scope("vnpay"), agency_scope("G22.99"), MONEY])
def test_a_scope_is_read_as_it_is_written(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize("text", ["", "bank", "bank:", ":vnpay", "portal:dvc", "money:all", "BANK:vnpay"])
def test_any_other_scope_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Scope.parse(text)


def test_a_run_that_may_not_go_on_is_a_conflict() -> None:
    assert {RunUnderWay.__base__, LeaseLost.__base__} == {Conflict}
    assert agency_scope("x").side is Side.AGENCY
