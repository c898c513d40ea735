"""Runs: plan one, take it with a lease, end it. Only one at a time runs in a scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from reconciliation.domain.runs import LEASE, RunState, Scope
from reconciliation.store.tables import ReconciliationRun as Run

_UNDER_WAY: Final = text("state IN ('PLANNED', 'RUNNING')")

_LACKING: Final = """
SELECT NOT EXISTS (
    SELECT FROM reconciliation_run WHERE scope = :scope AND day = :day AND state IN ('COMMITTED', 'REPEATED')
) OR :may_have_come AND EXISTS (
    SELECT FROM discrepancy
    WHERE scope = :scope AND day = :day AND state IN ('OPEN', 'PROPOSED')
        AND kind IN ('STATEMENT_REFUSED', 'STATEMENT_MISSING', 'LEDGER_REFUSED', 'LEDGER_MISSING'))"""


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
    """Give runs back whose process has gone silent. A run that still holds its row is alive and passed over."""
    silent = (
        select(Run.id)
        .where(Run.state == RunState.RUNNING, Run.leased_until <= at)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(silent).all()
    session.execute(update(Run).where(Run.id.in_(found)).values(state=RunState.PLANNED, leased_until=None))
    return len(found)


def start(session: Session, *, scope: Scope, day: date, at: datetime) -> int | None:
    """Take the planned run of this scope and day; None when another run of the scope is running."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('run:' || :scope, 0))"), {"scope": str(scope)}
    )
    if (
        session.scalar(select(Run.id).where(Run.scope == str(scope), Run.state == RunState.RUNNING))
        is not None
    ):
        return None
    planned = select(Run.id).where(Run.scope == str(scope), Run.day == day, Run.state == RunState.PLANNED)
    take = update(Run).where(Run.id == planned.scalar_subquery())
    return session.scalar(take.values(state=RunState.RUNNING, leased_until=at + LEASE).returning(Run.id))


def hold(session: Session, *, run: int, started_at: datetime) -> bool:
    """Lock the run for its result; False when its lease was given to somebody else meanwhile."""
    mine = select(Run.id).where(
        Run.id == run, Run.state == RunState.RUNNING, Run.leased_until == started_at + LEASE
    )
    return session.scalar(mine.with_for_update()) is not None


def same_as(session: Session, key: bytes) -> int | None:
    """The run that has found just this before."""
    return session.scalar(select(Run.id).where(Run.key == key, Run.state == RunState.COMMITTED))


def commit(
    session: Session, *, run: int, key: bytes, totals: Sequence[Any], files: Sequence[Any], at: datetime
) -> None:
    """End the run with its result."""
    ended = {
        "state": RunState.COMMITTED,
        "key": key,
        "totals": list(totals),
        "files": list(files),
        "ended_at": at,
    }
    session.execute(update(Run).where(Run.id == run).values(leased_until=None, **ended))


def repeat(session: Session, *, run: int, earlier: int, at: datetime) -> None:
    """End the run: its result is that of an earlier one."""
    ended = {"state": RunState.REPEATED, "repeats": earlier, "ended_at": at, "leased_until": None}
    session.execute(update(Run).where(Run.id == run).values(**ended))


def fail(session: Session, *, run: int, started_at: datetime, reason: str, at: datetime) -> None:
    """End the run without a result, if it is still ours."""
    ours = (Run.id == run, Run.state == RunState.RUNNING, Run.leased_until == started_at + LEASE)
    ended = {"state": RunState.FAILED, "reason": reason, "ended_at": at, "leased_until": None}
    session.execute(update(Run).where(*ours).values(**ended))


def is_lacking(session: Session, scope: Scope, day: date, *, file_may_have_come: bool) -> bool:
    """Whether the day has no committed run, or its run could not have the other side's file."""
    asked = {"scope": str(scope), "day": day, "may_have_come": file_may_have_come}
    return bool(session.scalar(text(_LACKING), asked))
