"""Runs: plan one, take it with a lease, end it. Only one at a time runs in a scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from reconciliation.domain.run import LEASE, RunState
from reconciliation.domain.scope import Scope
from reconciliation.store.tables import ReconciliationRun as Run

_UNDER_WAY = text("state IN ('PLANNED', 'RUNNING')")


def plan(session: Session, *, scope: Scope, agency: int | None, day: date, by: str, at: datetime) -> int | None:
    """The key of a newly planned run; None when one of this scope and day is planned or running already."""
    row = insert(Run).values(
        scope=str(scope), agency_id=agency, day=day, state=RunState.PLANNED, started_by=by, planned_at=at
    )
    claim = row.on_conflict_do_nothing(index_elements=["scope", "day"], index_where=_UNDER_WAY)
    return session.scalar(claim.returning(Run.id))


def reap(session: Session, at: datetime) -> int:
    """Give runs back whose process has gone silent. A run that still holds its row is alive and passed over."""
    silent = select(Run.id).where(Run.state == RunState.RUNNING, Run.leased_until <= at).with_for_update(skip_locked=True)
    found = session.scalars(silent).all()
    session.execute(update(Run).where(Run.id.in_(found)).values(state=RunState.PLANNED, leased_until=None))
    return len(found)


def start(session: Session, *, scope: Scope, day: date, at: datetime) -> int | None:
    """Take the planned run of this scope and day; None when another run of the scope is running."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('run:' || :scope, 0))"), {"scope": str(scope)})
    if session.scalar(select(Run.id).where(Run.scope == str(scope), Run.state == RunState.RUNNING)) is not None:
        return None
    planned = select(Run.id).where(Run.scope == str(scope), Run.day == day, Run.state == RunState.PLANNED)
    take = update(Run).where(Run.id == planned.scalar_subquery())
    return session.scalar(take.values(state=RunState.RUNNING, leased_until=at + LEASE).returning(Run.id))


def hold(session: Session, *, run: int, started_at: datetime) -> bool:
    """Lock the run for its result; False when its lease was given to somebody else meanwhile."""
    mine = select(Run.id).where(Run.id == run, Run.state == RunState.RUNNING, Run.leased_until == started_at + LEASE)
    return session.scalar(mine.with_for_update()) is not None


def same_as(session: Session, key: bytes) -> int | None:
    """The run that has found just this before."""
    return session.scalar(select(Run.id).where(Run.key == key, Run.state == RunState.COMMITTED))


def commit(session: Session, *, run: int, key: bytes, totals: Sequence[Any], files: Sequence[Any], at: datetime) -> None:
    """End the run with its result."""
    ended = {"state": RunState.COMMITTED, "key": key, "totals": list(totals), "files": list(files), "ended_at": at}
    session.execute(update(Run).where(Run.id == run).values(leased_until=None, **ended))


def repeat(session: Session, *, run: int, earlier: int, at: datetime) -> None:
    """End the run: its result is that of an earlier one."""
    ended = {"state": RunState.REPEATED, "repeats": earlier, "ended_at": at, "leased_until": None}
    session.execute(update(Run).where(Run.id == run).values(**ended))


def fail(session: Session, *, run: int, reason: str, at: datetime) -> None:
    """End the run without a result, if it is still running."""
    ended = {"state": RunState.FAILED, "reason": reason, "ended_at": at, "leased_until": None}
    session.execute(update(Run).where(Run.id == run, Run.state == RunState.RUNNING).values(**ended))


def days_without_result(session: Session, scope: Scope, days: Sequence[date]) -> list[date]:
    """Those of ``days`` that have no committed run, or whose file could still not be accepted; oldest first."""
    lacking = text(
        "SELECT day FROM unnest(CAST(:days AS date[])) AS wanted (day) "
        "WHERE NOT EXISTS (SELECT FROM reconciliation_run r "
        "                  WHERE r.scope = :scope AND r.day = wanted.day AND r.state = 'COMMITTED') "
        "   OR EXISTS (SELECT FROM discrepancy d WHERE d.scope = :scope AND d.day = wanted.day "
        "              AND d.state IN ('OPEN', 'PROPOSED') AND d.kind = ANY(:file_kinds)) "
        "ORDER BY day"
    )
    kinds = ["STATEMENT_REFUSED", "STATEMENT_MISSING", "LEDGER_REFUSED", "LEDGER_MISSING"]
    return list(session.scalars(lacking, {"days": list(days), "scope": str(scope), "file_kinds": kinds}))


def visible(agency: int | None) -> Select[tuple[Run]]:
    """The runs that somebody bound to ``agency`` may see; all of them for None."""
    return select(Run) if agency is None else select(Run).where(Run.agency_id == agency)
