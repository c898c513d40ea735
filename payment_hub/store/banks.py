"""How banks stand: their breakers, and the downtimes that they have announced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.banks.health import BankOperation, BankStates, Downtime, Health, HealthState

#: Downtimes that begin later than this are no matter of today's payments.
SOON: Final = timedelta(days=1)

_READ: Final = text(
    """SELECT
    (SELECT coalesce(json_agg(h), '[]') FROM bank_health h) AS health,
    (SELECT coalesce(json_agg(d ORDER BY d.starts_at), '[]') FROM (
        SELECT bank, operation, starts_at, ends_at, reason FROM bank_downtime
        WHERE cancelled_at IS NULL AND ends_at > :now AND starts_at < :soon) d) AS downtimes"""
)

_APPEAR: Final = text(
    "INSERT INTO bank_health (bank, operation) VALUES (:bank, :operation) ON CONFLICT DO NOTHING"
)
_LOCK: Final = text(
    """SELECT state, failures, since, probe_until, about FROM bank_health
    WHERE bank = :bank AND operation = :operation FOR UPDATE"""
)
_WRITE: Final = text(
    """UPDATE bank_health SET state = :state, failures = :failures, since = :since, probe_until = :probe_until,
        about = :about
    WHERE bank = :bank AND operation = :operation"""
)

_DOWNTIMES: Final = text(
    """SELECT id, bank, operation, starts_at, ends_at, reason, announced_by FROM bank_downtime
    WHERE cancelled_at IS NULL AND ends_at > :now ORDER BY starts_at, id"""
)
_CANCEL: Final = text(
    """UPDATE bank_downtime SET cancelled_at = :now, cancelled_by = :by
    WHERE id = :id AND cancelled_at IS NULL AND ends_at > :now RETURNING id"""
)


def read_states(session: Session, now: datetime) -> BankStates:
    """How all banks stand at ``now``; a bank that has always answered is not named."""
    row = session.execute(_READ, {"now": now, "soon": now + SOON}).mappings().one()
    return BankStates(
        read_at=now,
        health={(each["bank"], BankOperation(each["operation"])): _health(each) for each in row["health"]},
        downtimes=tuple(
            Downtime(
                bank=each["bank"],
                operation=each["operation"] and BankOperation(each["operation"]),
                starts_at=datetime.fromisoformat(each["starts_at"]),
                ends_at=datetime.fromisoformat(each["ends_at"]),
                reason=each["reason"],
            )
            for each in row["downtimes"]
        ),
    )


def lock_health(session: Session, bank: str, operation: BankOperation) -> Health:
    """The breaker as it stands, which nobody else may move before this transaction ends."""
    key = {"bank": bank, "operation": operation}
    session.execute(_APPEAR, key)
    row = session.execute(_LOCK, key).one()
    return Health(HealthState(row.state), row.failures, row.since, row.probe_until, row.about)


def write_health(session: Session, bank: str, operation: BankOperation, health: Health) -> None:
    """The breaker as it stands from now on; the caller holds its lock."""
    values = {
        "state": health.state,
        "failures": health.failures,
        "since": health.since,
        "probe_until": health.probe_until,
        "about": health.about,
    }
    session.execute(_WRITE, {"bank": bank, "operation": operation} | values)


def list_downtimes(session: Session, now: datetime) -> Sequence[Mapping[str, Any]]:
    """The announced downtimes that are not over, the next one first."""
    return [dict(row) for row in session.execute(_DOWNTIMES, {"now": now}).mappings()]


def cancel_downtime(session: Session, downtime_id: int, by: str, now: datetime) -> bool:
    """Whether there was such a downtime, which now ends before its time."""
    asked = {"id": downtime_id, "by": by, "now": now}
    return session.execute(_CANCEL, asked).scalar_one_or_none() is not None


def _health(row: Mapping[str, Any]) -> Health:
    since, probe_until = row["since"], row["probe_until"]
    return Health(
        HealthState(row["state"]),
        row["failures"],
        since and datetime.fromisoformat(since),
        probe_until and datetime.fromisoformat(probe_until),
        row["about"],
    )
