"""SQL of banks: their circuit breakers, and the downtimes that they have announced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.banks.health import (
    AnnouncedDowntime,
    BankOperation,
    BankStates,
    Downtime,
    Health,
    HealthState,
)
from payment_hub.store.named_sql import named
from payment_hub.store.tables import BankDowntime, BankHealth

#: Downtimes that begin later than this are no matter of today's payments.
SOON: Final = timedelta(days=1)

_SQL: Final = {name: text(sql) for name, sql in named("payment_hub.store", "sql/banks.sql").items()}


def read_states(session: Session, now: datetime) -> BankStates:
    """The breakers and downtimes of all banks at ``now``; a bank that has always answered is not named."""
    row = session.execute(_SQL["read_states"], {"now": now, "soon": now + SOON}).mappings().one()
    return BankStates(
        read_at=now,
        health={
            (breaker["bank"], BankOperation(breaker["operation"])): _health(breaker)
            for breaker in row["health"]
        },
        downtimes=tuple(
            Downtime(
                bank=downtime["bank"],
                operation=downtime["operation"] and BankOperation(downtime["operation"]),
                starts_at=datetime.fromisoformat(downtime["starts_at"]),
                ends_at=datetime.fromisoformat(downtime["ends_at"]),
                reason=downtime["reason"],
            )
            for downtime in row["downtimes"]
        ),
    )


def lock_health(session: Session, bank: str, operation: BankOperation) -> Health:
    """The breaker, locked until this transaction ends. A breaker that has no row yet gets one."""
    session.execute(insert(BankHealth).values(bank=bank, operation=operation).on_conflict_do_nothing())
    query = select(BankHealth).where(BankHealth.bank == bank, BankHealth.operation == operation)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
    return Health(HealthState(row.state), row.failures, row.since, row.probe_until, row.about)


def write_health(session: Session, bank: str, operation: BankOperation, health: Health) -> None:
    """Write the breaker, which the caller has locked."""
    session.execute(
        update(BankHealth)
        .where(BankHealth.bank == bank, BankHealth.operation == operation)
        .values(
            state=health.state,
            failures=health.failures,
            since=health.since,
            probe_until=health.probe_until,
            about=health.about,
        )
    )


def list_downtimes(session: Session, now: datetime) -> list[AnnouncedDowntime]:
    """The announced downtimes that are not over, the next one first."""
    return [
        AnnouncedDowntime(**row) for row in session.execute(_SQL["list_downtimes"], {"now": now}).mappings()
    ]


def cancel_downtime(session: Session, downtime_id: int, by: str, now: datetime) -> bool:
    """Cancel a downtime that is not over; False when there is none."""
    cancelled = session.scalar(
        update(BankDowntime)
        .where(
            BankDowntime.id == downtime_id, BankDowntime.cancelled_at.is_(None), BankDowntime.ends_at > now
        )
        .values(cancelled_at=now, cancelled_by=by)
        .returning(BankDowntime.id)
    )
    return cancelled is not None


def _health(row: Mapping[str, Any]) -> Health:
    """A breaker's row as JSON shows it."""
    since, probe_until = row["since"], row["probe_until"]
    return Health(
        HealthState(row["state"]),
        row["failures"],
        since and datetime.fromisoformat(since),
        probe_until and datetime.fromisoformat(probe_until),
        row["about"],
    )
