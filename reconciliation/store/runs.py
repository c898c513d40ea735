"""Runs: plan one, start it with a lease, end it, and show it. Only one at a time runs in a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import RunNotFound
from payment_hub.domain.wire import to_wire
from payment_hub.store.access import visible_agency
from payment_hub.store.named_sql import named
from reconciliation.domain.discrepancies import LIVE
from reconciliation.domain.rules import FILE_KINDS
from reconciliation.domain.runs import LEASE, RUN_LIFE, RunEvent, RunState, Scope
from reconciliation.domain.totals import Line
from reconciliation.domain.views import FileView, RunView, totals_view
from reconciliation.store.tables import ReconciliationRun as Run

#: As in the index that lets only one run of a scope and day be under way.
_UNDER_WAY: Final = text(f"state IN ('{RunState.PLANNED}', '{RunState.RUNNING}')")

_SQL: Final = named(
    "reconciliation.store",
    "sql/runs.sql",
    with_result=(RunState.COMMITTED, RunState.REPEATED),
    live=LIVE,
    file_kinds=FILE_KINDS,
)


class NightAgency(NamedTuple):
    """An agency whose ledger is compared."""

    code: str
    id: int


def plan(
    session: Session, *, scope: Scope, agency: int | None, day: date, by: str, at: datetime
) -> int | None:
    """The key of a newly planned run; None when one of this scope and day is planned or running already."""
    row = insert(Run).values(
        scope=str(scope), agency_id=agency, day=day, state=RunState.PLANNED, started_by=by, planned_at=at
    )
    claim = row.on_conflict_do_nothing(index_elements=["scope", "day"], index_where=_UNDER_WAY)
    return session.scalar(claim.returning(Run.id))


def reap(session: Session, at: datetime) -> int:
    """Plan runs again whose lease has expired; how many. A run whose row is locked is alive, and passed over."""
    expired = (
        select(Run.id)
        .where(Run.state == RunState.RUNNING, Run.leased_until <= at)
        .with_for_update(skip_locked=True)
    )
    reaped = session.scalars(expired).all()
    state = RUN_LIFE.after(RunState.RUNNING, RunEvent.LEASE_EXPIRED)
    session.execute(update(Run).where(Run.id.in_(reaped)).values(state=state, leased_until=None))
    return len(reaped)


def start(session: Session, *, scope: Scope, day: date, at: datetime) -> int | None:
    """Take the planned run of this scope and day; None when another run of the scope is running."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('run:' || :scope, 0))"), {"scope": str(scope)}
    )
    running = select(Run.id).where(Run.scope == str(scope), Run.state == RunState.RUNNING)
    if session.scalar(running) is not None:
        return None
    planned = select(Run.id).where(Run.scope == str(scope), Run.day == day, Run.state == RunState.PLANNED)
    take = update(Run).where(Run.id == planned.scalar_subquery())
    state = RUN_LIFE.after(RunState.PLANNED, RunEvent.STARTED)
    return session.scalar(take.values(state=state, leased_until=at + LEASE).returning(Run.id))


def hold(session: Session, *, run: int, started_at: datetime) -> bool:
    """Lock the run for its result; False when its lease has gone to another run."""
    own = select(Run.id).where(
        Run.id == run, Run.state == RunState.RUNNING, Run.leased_until == started_at + LEASE
    )
    return session.scalar(own.with_for_update()) is not None


def same_as(session: Session, key: bytes) -> int | None:
    """The run that had the same result before."""
    return session.scalar(select(Run.id).where(Run.key == key, Run.state == RunState.COMMITTED))


def commit(
    session: Session,
    *,
    run: int,
    key: bytes,
    totals: Sequence[Line],
    files: Sequence[FileView],
    at: datetime,
) -> None:
    """End the run with its result."""
    session.execute(
        update(Run)
        .where(Run.id == run)
        .values(
            state=RUN_LIFE.after(RunState.RUNNING, RunEvent.COMMITTED),
            key=key,
            totals=[to_wire(totals_view(line)) for line in totals],
            files=[to_wire(file) for file in files],
            ended_at=at,
            leased_until=None,
        )
    )


def repeat(session: Session, *, run: int, earlier: int, at: datetime) -> None:
    """End the run: its result is that of an earlier one."""
    state = RUN_LIFE.after(RunState.RUNNING, RunEvent.UNCHANGED)
    ended = {"state": state, "repeats": earlier, "ended_at": at, "leased_until": None}
    session.execute(update(Run).where(Run.id == run).values(**ended))


def fail(session: Session, *, run: int, started_at: datetime, reason: str, at: datetime) -> None:
    """End the run without a result, if it still has its lease."""
    own = (Run.id == run, Run.state == RunState.RUNNING, Run.leased_until == started_at + LEASE)
    ended = {
        "state": RUN_LIFE.after(RunState.RUNNING, RunEvent.FAILED),
        "reason": reason,
        "ended_at": at,
        "leased_until": None,
    }
    session.execute(update(Run).where(*own).values(**ended))


def is_lacking(session: Session, scope: Scope, day: date, *, file_may_have_come: bool) -> bool:
    """Whether the day has no committed run, or its run could not have the other side's file."""
    params = {"scope": str(scope), "day": day, "file_may_have_come": file_may_have_come}
    return bool(session.scalar(text(_SQL["lacking"]), params))


def first_day(session: Session) -> date | None:
    """The first day of which the hub has any money facts: no night before it lacks anything."""
    first: date | None = session.scalar(text(_SQL["first_day"]))
    return first


def agencies_of_a_night(session: Session, day: date, delivered: Collection[str]) -> list[NightAgency]:
    """Agencies with receipts of the day, and all that have ever delivered a ledger, now (``delivered``) or before."""
    params = {"day": day, "delivered": sorted(delivered)}
    return [
        NightAgency(code, key) for code, key in session.execute(text(_SQL["agencies_of_a_night"]), params)
    ]


def run_views(
    session: Session,
    caller: Caller,
    *,
    limit: int,
    run: int | None = None,
    scope: str | None = None,
    state: RunState | None = None,
    day_from: date | None = None,
    day_to: date | None = None,
    after: int | None = None,
) -> list[RunView]:
    """Runs that the caller may see, newest first."""
    params = {
        "visible_agency": visible_agency(caller),
        "run": run,
        "scope": scope,
        "state": state,
        "day_from": day_from,
        "day_to": day_to,
        "after": after,
        "limit": limit,
    }
    return [_view(row) for row in session.execute(text(_SQL["runs"]), params).mappings()]


def run_view(session: Session, caller: Caller, run: int) -> RunView:
    """One run. Raises RunNotFound."""
    views = run_views(session, caller, run=run, limit=1)
    if not views:
        raise RunNotFound(str(run))
    return views[0]


def _view(row: RowMapping) -> RunView:
    return RunView(
        number=row["id"],
        scope=row["scope"],
        day=row["day"],
        state=RunState(row["state"]),
        started_by=row["started_by"],
        planned_at=row["planned_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        repeats=row["repeats"],
        totals=row["totals"] or (),
        files=row["files"] or (),
        findings=row["findings"],
    )
