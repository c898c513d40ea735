"""Discrepancies: what a caller may see of them, and the moves of their life."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import DiscrepancyNotFound, StaleVersion
from payment_hub.store.access import visible_agency
from payment_hub.store.named_sql import named
from reconciliation.domain.discrepancies import (
    DISCREPANCY_LIFE,
    Decision,
    DiscrepancyEvent,
    DiscrepancyKind,
    DiscrepancyState,
)
from reconciliation.domain.views import DiscrepancyView, HistoryLine
from reconciliation.store.findings import finding_view
from reconciliation.store.tables import Discrepancy, DiscrepancyEventRecord

_SQL: Final = named("reconciliation.store", "sql/discrepancies.sql")


def discrepancy_views(
    session: Session,
    caller: Caller,
    *,
    limit: int,
    number: int | None = None,
    scope: str | None = None,
    agency: str | None = None,
    kind: DiscrepancyKind | None = None,
    state: DiscrepancyState | None = None,
    day_from: date | None = None,
    day_to: date | None = None,
    after: int | None = None,
) -> list[DiscrepancyView]:
    """Discrepancies that the caller may see, newest first, without their history."""
    params = {
        "visible_agency": visible_agency(caller),
        "number": number,
        "scope": scope,
        "agency": agency,
        "kind": kind,
        "state": state,
        "day_from": day_from,
        "day_to": day_to,
        "after": after,
        "limit": limit,
    }
    return [_view(row) for row in session.execute(text(_SQL["discrepancies"]), params).mappings()]


def discrepancy_view(session: Session, caller: Caller, number: int) -> DiscrepancyView:
    """One discrepancy with its history. Raises DiscrepancyNotFound."""
    views = discrepancy_views(session, caller, number=number, limit=1)
    if not views:
        raise DiscrepancyNotFound(str(number))
    lines = session.execute(text(_SQL["history"]), {"number": number}).mappings()
    return replace(views[0], history=tuple(_history_line(line) for line in lines))


def lock(session: Session, caller: Caller, number: int, version: int | None) -> Discrepancy:
    """The discrepancy, locked. Raises DiscrepancyNotFound; StaleVersion when it is not in ``version`` any more."""
    query = select(Discrepancy).where(Discrepancy.id == number)
    if (agency := visible_agency(caller)) is not None:
        query = query.where(Discrepancy.agency_id == agency)
    discrepancy = session.scalar(query.with_for_update())
    if discrepancy is None:
        raise DiscrepancyNotFound(str(number))
    if version is not None and discrepancy.version != version:
        raise StaleVersion(f"it is in version {discrepancy.version} now")
    return discrepancy


def move(
    session: Session,
    discrepancy: Discrepancy,
    event: DiscrepancyEvent,
    caller: Caller,
    at: datetime,
    *,
    decision: str | None,
    reason: str | None,
) -> None:
    """Let ``event`` happen, and record who did it and why. Raises IllegalTransition."""
    discrepancy.state = DISCREPANCY_LIFE.after(DiscrepancyState(discrepancy.state), event)
    discrepancy.version += 1
    session.add(
        DiscrepancyEventRecord(
            discrepancy_id=discrepancy.id,
            event=event,
            actor=caller.holder,
            happened_at=at,
            decision=decision,
            reason=reason,
        )
    )
    session.flush()


def _history_line(row: RowMapping) -> HistoryLine:
    return HistoryLine(
        event=DiscrepancyEvent(row["event"]),
        actor=row["actor"],
        happened_at=row["happened_at"],
        run=row["run"],
        decision=row["decision"] and Decision(row["decision"]),
        reason=row["reason"],
    )


def _view(row: RowMapping) -> DiscrepancyView:
    return DiscrepancyView(
        number=row["id"],
        version=row["version"],
        state=DiscrepancyState(row["state"]),
        finding=finding_view(row),
        detected_by=row["detected_by"],
        auto_resolved_by=row["auto_resolved_by"],
        decision=row["decision"] and Decision(row["decision"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        approved_by=row["approved_by"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
    )
