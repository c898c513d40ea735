"""Plan a night: which books are to be compared for the day that has just ended.

Catch up: plan again what the last nights did not bring to an end, whatever became of the broker's messages.

Compare two books for one day, and write down what does not agree.

One task of the night: collect what the other side has left, then compare.

Show one run with its control totals.

Start a run by hand.

List the nights' runs, newest first.

Export a run's report: the same run gives the same bytes, however often and whenever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import AgencyNotFound, BankUnavailable, Malformed, RunNotFound
from payment_hub.domain.paging import Page, cursor_of, key_of
from payment_hub.domain.wire import to_wire
from payment_hub.store.access import find_agency
from reconciliation.books import Books
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.reports import as_csv, as_json
from reconciliation.domain.runs import MONEY, RunState, Scope, Side, agency_scope, bank_scope, run_key
from reconciliation.domain.totals import Line, control_totals, require_balance
from reconciliation.domain.views import RunView, totals_view
from reconciliation.operations.ledgers import collect_ledgers
from reconciliation.operations.statements import collect_statement
from reconciliation.store import comparison, findings, nights, reading, runs


def plan_night(books: Books, *, day: date | None = None) -> tuple[tuple[str, str], ...]:
    """Scope and day of each run, as words that a broker can carry: banks, agencies, and the money left open.

    Without ``day`` it is yesterday in hub time. What is planned is remembered, and planned only once.
    """
    now = books.now()
    day = day or business_day(now) - timedelta(days=1)
    left = books.ledgers.agencies(day)
    with books.hub.transaction() as session:
        agencies = nights.agencies_of(session, day, left)
        planned: list[tuple[Scope, int | None]] = [
            (bank_scope(bank), None) for bank in books.hub.banks_with(HasStatement)
        ]
        planned += [(agency_scope(code), key) for code, key in agencies]
        planned.append((MONEY, None))
        for scope, key in planned:
            runs.plan(session, scope=scope, agency=key, day=day, by="clock", at=now)
    return tuple((str(scope), day.isoformat()) for scope, _ in planned)


#: How many days back a night is made up for by itself.
DAYS: Final = 7


def catch_up_nights(books: Books) -> tuple[tuple[str, str], ...]:
    """Scope and day of each run that is lacking among the last seven days, oldest first.

    Lacking is a run that never committed, or that could not have the other side's file yet. Runs whose process has
    gone silent are given back first.
    """
    now = books.now()
    today = business_day(now)
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    lacking: list[tuple[Scope, date]] = []
    left = {day: books.ledgers.agencies(day) for day in days}
    with books.hub.transaction() as session:
        runs.reap(session, now)
        begun = nights.first_day(session)
        for day in days:
            if begun is None or day < begun:
                continue
            banks = [bank_scope(bank) for bank in books.hub.banks_with(HasStatement)]
            agencies = [agency_scope(code) for code, _ in nights.agencies_of(session, day, left[day])]
            for scope in (*banks, *agencies, MONEY):
                # A bank can be asked again; an agency's ledger is there or it is not.
                may_have_come = scope.side is not Side.AGENCY or scope.code in left[day]
                if runs.is_lacking(session, scope, day, file_may_have_come=may_have_come):
                    lacking.append((scope, day))
    return tuple((str(scope), day.isoformat()) for scope, day in lacking)


_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class _Taken:
    """A run of ours, until its lease ends."""

    run: int
    scope: Scope
    day: date
    agency: int | None
    started_at: datetime


def reconcile_day(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run that has the result: a new one, or an earlier one if nothing has changed since.

    Collects nothing: the files must be here. Raises AgencyNotFound, BankNotFound, RunUnderWay; whatever else goes
    wrong is kept as the run's reason, and raised.
    """
    taken = _take(books, scope, day, by)
    try:
        with books.hub.transaction() as session:
            comparison.snapshot_isolation(session)
            if not runs.hold(session, run=taken.run, started_at=taken.started_at):
                raise LeaseLost(f"run {taken.run}")
            return _compare(session, taken, books.now())
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        with books.hub.transaction() as session:
            runs.fail(session, run=taken.run, started_at=taken.started_at, reason=reason, at=books.now())
        raise


def _take(books: Books, scope: Scope, day: date, by: str) -> _Taken:
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
        run = runs.start(session, scope=scope, day=day, at=now)
        if run is None:
            raise RunUnderWay(str(scope))
    return _Taken(run, scope, day, agency_id, now)


def _compare(session: Session, taken: _Taken, now: datetime) -> int:
    scope, day = taken.scope, taken.day
    asked = comparison.question(scope, taken.agency, day)
    comparison.load(session, scope, asked)
    files = comparison.files(session, scope, asked)
    totals = _control_totals(session, scope, asked)
    key = run_key(
        scope, day, files=[file["sha256"] for file in files], facts=(totals, comparison.digest(session))
    )
    earlier = runs.same_as(session, key)
    if earlier is not None:
        runs.repeat(session, run=taken.run, earlier=earlier, at=now)
        return earlier
    findings.record(session, run=taken.run)
    file_case = findings.record_file(
        session, run=taken.run, scope=scope, agency=taken.agency, day=day, files=files
    )
    findings.let_discrepancies_follow(session, run=taken.run, scope=scope, file_case=file_case, at=now)
    wire = [to_wire(totals_view(line)) for line in totals]
    runs.commit(session, run=taken.run, key=key, totals=wire, files=files, at=now)
    return taken.run


def _control_totals(session: Session, scope: Scope, asked: dict[str, object]) -> tuple[Line, ...]:
    of_the_day = comparison.of_the_day(session, scope, asked)
    totals = control_totals(of_the_day, comparison.looked_into(session, asked))
    if scope.side is not Side.MONEY:
        require_balance(totals, hub="hub", other=scope.side)
    if scope.side is Side.BANK:
        require_balance(totals, hub="paid_back", other="bank_debit")
    return totals


def collect_and_reconcile(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run with the result.

    The run reports a bank without a statement; then BankUnavailable is raised, so that the bank is asked again.
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
        return reading.run_view(session, caller, run)


def start_run(books: Books, *, caller: Caller, scope: Scope, day: date) -> RunView:
    """The run with the result. Who is bound to an agency may only compare this agency's ledger.

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
    asked = {"scope": scope, "state": state, "day_from": day_from, "day_to": day_to, "after": key_of(after)}
    with books.hub.transaction() as session:
        found = reading.run_views(session, caller, limit=limit + 1, **asked)
    return Page(found[:limit], cursor_of(found[limit - 1].number) if len(found) > limit else None)


def export_report(books: Books, *, caller: Caller, run: int, form: str = "csv") -> str:
    """The report as text, ``csv`` or ``json``; for a run that repeats an earlier one, that one's.

    Raises RunNotFound for a run that the caller may not see, or that has no result.
    """
    with books.hub.transaction() as session:
        found = reading.run_view(session, caller, run)
        if found.repeats is not None:
            found = reading.run_view(session, caller, found.repeats)
        if found.state != RunState.COMMITTED:
            raise RunNotFound(f"run {run} has no result")
        findings = reading.finding_views(session, found.number)
    return as_json(found, findings) if form == "json" else "".join(as_csv(found, findings))
