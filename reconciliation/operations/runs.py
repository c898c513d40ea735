"""Runs: plan a night, compare two books for one day, catch up on what is lacking, and show what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import AgencyNotFound, BankUnavailable, Malformed, RunNotFound
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.store.access import find_agency
from reconciliation.books import Books
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.reports import as_csv, as_json
from reconciliation.domain.runs import MONEY, RunState, Scope, Side, agency_scope, bank_scope, run_key
from reconciliation.domain.totals import Book, control_totals, require_balance
from reconciliation.domain.views import RunView
from reconciliation.operations.ledgers import collect_ledgers
from reconciliation.operations.statements import collect_statement
from reconciliation.store import comparison, findings, runs
from reconciliation.store.comparison import Comparison

#: How many days back ``catch_up_nights`` looks.
DAYS: Final = 7

_LONGEST_REASON: Final = 500


class PlannedRun(NamedTuple):
    """Scope and day (ISO) of a run, as text that a broker can carry."""

    scope: str
    day: str


@dataclass(frozen=True, slots=True)
class _StartedRun:
    """A run, as long as its lease holds."""

    number: int
    comparison: Comparison
    started_at: datetime


def plan_night(books: Books, *, day: date | None = None) -> tuple[PlannedRun, ...]:
    """Plan the runs of a night: banks, agencies, and the money left open. Each is planned only once.

    Without ``day`` it is yesterday in hub time.
    """
    now = books.now()
    day = day or business_day(now) - timedelta(days=1)
    delivered = books.ledgers.agencies(day)
    with books.hub.transaction() as session:
        agencies = runs.agencies_of_a_night(session, day, delivered)
        planned: list[tuple[Scope, int | None]] = [
            (bank_scope(bank), None) for bank in books.hub.banks_with(HasStatement)
        ]
        planned += [(agency_scope(agency.code), agency.id) for agency in agencies]
        planned.append((MONEY, None))
        for scope, agency_id in planned:
            runs.plan(session, scope=scope, agency=agency_id, day=day, by="clock", at=now)
    return tuple(PlannedRun(str(scope), day.isoformat()) for scope, _ in planned)


def catch_up_nights(books: Books) -> tuple[PlannedRun, ...]:
    """The runs that are lacking among the last seven days, oldest first.

    A run is lacking if it never committed, or could not have the other side's file yet. Runs whose lease has expired
    are planned again first.
    """
    now = books.now()
    today = business_day(now)
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    lacking: list[tuple[Scope, date]] = []
    delivered = {day: books.ledgers.agencies(day) for day in days}
    with books.hub.transaction() as session:
        runs.reap(session, now)
        first_day = runs.first_day(session)
        for day in days:
            if first_day is None or day < first_day:
                continue
            banks = [bank_scope(bank) for bank in books.hub.banks_with(HasStatement)]
            agencies = [
                agency_scope(agency.code) for agency in runs.agencies_of_a_night(session, day, delivered[day])
            ]
            for scope in (*banks, *agencies, MONEY):
                # A statement can be fetched at any time; an agency's ledger has been delivered or not.
                may_have_come = scope.side is not Side.AGENCY or scope.code in delivered[day]
                if runs.is_lacking(session, scope, day, file_may_have_come=may_have_come):
                    lacking.append((scope, day))
    return tuple(PlannedRun(str(scope), day.isoformat()) for scope, day in lacking)


def reconcile_day(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run that has the result: a new one, or an earlier one if nothing has changed since.

    Collects nothing: the files must be here. Raises AgencyNotFound, BankNotFound, RunUnderWay; any other error is kept
    as the run's reason, and raised.
    """
    run = _start(books, scope, day, by)
    try:
        with books.hub.transaction() as session:
            comparison.snapshot_isolation(session)
            if not runs.hold(session, run=run.number, started_at=run.started_at):
                raise LeaseLost(f"run {run.number}")
            return _compare(session, run, books.now())
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        with books.hub.transaction() as session:
            runs.fail(session, run=run.number, started_at=run.started_at, reason=reason, at=books.now())
        raise


def _start(books: Books, scope: Scope, day: date, by: str) -> _StartedRun:
    if scope.side is Side.BANK:
        books.hub.adapter(scope.code)
    now = books.now()
    with books.hub.transaction() as session:
        agency = find_agency(session, scope.code) if scope.side is Side.AGENCY else None
        if agency is None and scope.side is Side.AGENCY:
            raise AgencyNotFound(scope.code[:40])
        agency_id = None if agency is None else agency.id
        runs.reap(session, now)
        runs.plan(session, scope=scope, agency=agency_id, day=day, by=by, at=now)
        number = runs.start(session, scope=scope, day=day, at=now)
        if number is None:
            raise RunUnderWay(str(scope))
    return _StartedRun(number, Comparison(scope, agency_id, day), now)


def _compare(session: Session, run: _StartedRun, now: datetime) -> int:
    scope, day = run.comparison.scope, run.comparison.day
    comparison.load(session, run.comparison)
    files = comparison.files(session, run.comparison)
    totals = control_totals(
        comparison.items_of_the_day(session, run.comparison), comparison.item_counts(session, run.comparison)
    )
    if scope.side is not Side.MONEY:
        require_balance(totals, hub=Book.HUB, other=Book(scope.side))
    if scope.side is Side.BANK:
        require_balance(totals, hub=Book.OUTFLOW, other=Book.BANK_DEBIT)
    facts = (totals, comparison.digest(session))
    key = run_key(scope, day, files=[file.sha256 for file in files], facts=facts)
    earlier = runs.same_as(session, key)
    if earlier is not None:
        runs.repeat(session, run=run.number, earlier=earlier, at=now)
        return earlier
    findings.record(session, run.comparison, run=run.number, files=files)
    findings.update_discrepancies(session, run.comparison, run=run.number, at=now)
    runs.commit(session, run=run.number, key=key, totals=totals, files=files, at=now)
    return run.number


def collect_and_reconcile(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run with the result.

    When the bank has no statement, the run has a finding that says so. Then BankUnavailable is raised, so that the
    task is tried again.
    """
    if scope.side is Side.AGENCY:
        collect_ledgers(books, day=day, agency=scope.code)
    if scope.side is not Side.BANK:
        return reconcile_day(books, scope=scope, day=day, by=by)
    try:
        collect_statement(books, bank=scope.code, day=day)
    except BankUnavailable:
        reconcile_day(books, scope=scope, day=day, by=by)
        raise
    return reconcile_day(books, scope=scope, day=day, by=by)


def show_run(books: Books, *, caller: Caller, run: int) -> RunView:
    """The run. Raises RunNotFound, also for a run that the caller may not see."""
    with books.hub.transaction() as session:
        return runs.run_view(session, caller, run)


def start_run(books: Books, *, caller: Caller, scope: Scope, day: date) -> RunView:
    """Compare now, and show the run with the result. A caller of an agency may compare only its own ledger.

    Raises Malformed for a day that has not begun; AgencyNotFound, BankNotFound, BankUnavailable, RunUnderWay.
    """
    if day > business_day(books.now()):
        raise Malformed("the day has not begun", pointers={"/day": "Must not be in the future."})
    if caller.agency_code is not None and scope != agency_scope(caller.agency_code):
        raise AgencyNotFound(str(scope))
    run = collect_and_reconcile(books, scope=scope, day=day, by=caller.name)
    return show_run(books, caller=caller, run=run)


def list_runs(
    books: Books,
    *,
    caller: Caller,
    scope: str | None = None,
    state: RunState | None = None,
    day_from: date | None = None,
    day_to: date | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[RunView]:
    """A page of runs. An agency sees the runs over its own ledger only: the others hold other agencies' figures."""
    with books.hub.transaction() as session:
        views = runs.run_views(
            session,
            caller,
            scope=scope,
            state=state,
            day_from=day_from,
            day_to=day_to,
            after=read_cursor(after),
            limit=limit + 1,
        )
    return Page(views[:limit], cursor_of(views[limit - 1].number) if len(views) > limit else None)


def export_report(books: Books, *, caller: Caller, run: int, form: str = "csv") -> str:
    """The report as text, ``csv`` or ``json``; of a run that repeats an earlier one, the earlier one's.

    The same run gives the same bytes. Raises RunNotFound for a run that the caller may not see, or without a result.
    """
    with books.hub.transaction() as session:
        view = runs.run_view(session, caller, run)
        if view.repeats is not None:
            view = runs.run_view(session, caller, view.repeats)
        if view.state != RunState.COMMITTED:
            raise RunNotFound(f"run {run} has no result")
        finding_views = findings.finding_views(session, view.number)
    return as_json(view, finding_views) if form == "json" else "".join(as_csv(view, finding_views))
