"""Move a discrepancy: lock it, change it, and write down what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import DiscrepancyNotFound, StaleVersion
from payment_hub.store.access import visible_agency
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE, DiscrepancyEvent, DiscrepancyState
from reconciliation.store.tables import Discrepancy, DiscrepancyEventRecord


def lock(session: Session, caller: Caller, number: int, version: int | None) -> Discrepancy:
    """The discrepancy, locked. Raises DiscrepancyNotFound; StaleVersion when it is not in ``version`` any more."""
    asked = select(Discrepancy).where(Discrepancy.id == number)
    if (agency := visible_agency(caller)) is not None:
        asked = asked.where(Discrepancy.agency_id == agency)
    found = session.scalar(asked.with_for_update())
    if found is None:
        raise DiscrepancyNotFound(str(number))
    if version is not None and found.version != version:
        raise StaleVersion(f"it is in version {found.version} now")
    return found


def move(
    session: Session, row: Discrepancy, event: DiscrepancyEvent, caller: Caller, at: datetime, **told: Any
) -> None:
    """Let ``event`` happen. Raises IllegalTransition. ``told`` is what the caller decided, and why."""
    row.state = DISCREPANCY_LIFE.after(DiscrepancyState(row.state), event)
    row.version += 1
    session.add(
        DiscrepancyEventRecord(
            discrepancy_id=row.id, event=event, actor=caller.holder, happened_at=at, **told
        )
    )
    session.flush()
