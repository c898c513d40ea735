"""Compare two books for one day, and write down what does not agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from payment_hub.domain.errors import AgencyNotFound
from payment_hub.store.parties import find_agency
from reconciliation.books import Books
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.run import run_key
from reconciliation.domain.scope import Scope, Side
from reconciliation.domain.totals import Line, control_totals, require_balance
from reconciliation.store import comparison, findings, runs

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
            comparison.one_moment(session)
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
    wire = [line.as_wire() for line in totals]
    runs.commit(session, run=taken.run, key=key, totals=wire, files=files, at=now)
    return taken.run


def _control_totals(session: Session, scope: Scope, asked: dict[str, object]) -> tuple[Line, ...]:
    of_the_day = comparison.of_the_day(session, scope, asked)
    totals = control_totals(of_the_day, comparison.looked_into(session, asked))
    if scope.side is not Side.MONEY:
        require_balance(totals, hub="hub", other=scope.side)
    if scope.side is Side.BANK:
        require_balance(totals, hub="given_back", other="bank_debit")
    return totals
