"""Banks' health: a circuit breaker for each operation of each bank, and announced downtimes.

A closed breaker lets every call through. After some failures in a row it opens, and no call waits for that bank any
more. After a time one process alone probes the bank: an answer closes the breaker, another failure opens it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class BankOperation(StrEnum):
    """The kind of a call. Each has a breaker of its own: a bank that opens no payments may still answer queries."""

    OPEN = "OPEN"
    QUERY = "QUERY"
    REFUND = "REFUND"


class HealthState(StrEnum):
    """The state of a breaker."""

    CLOSED = "CLOSED"
    """Every call goes out: the bank answers."""
    OPEN = "OPEN"
    """No call goes out: it has failed too often."""
    HALF_OPEN = "HALF_OPEN"
    """One call, the probe, goes out to learn whether it answers again."""


class HealthEvent(StrEnum):
    """What can happen to a breaker."""

    FAILED_TOO_OFTEN = "FAILED_TOO_OFTEN"
    PROBED = "PROBED"
    ANSWERED = "ANSWERED"
    FAILED_AGAIN = "FAILED_AGAIN"


_S, _E = HealthState, HealthEvent

HEALTH_LIFE: Final = Lifecycle(
    "bank health",
    _S.CLOSED,
    {
        (_S.CLOSED, _E.FAILED_TOO_OFTEN): _S.OPEN,
        (_S.OPEN, _E.PROBED): _S.HALF_OPEN,
        # The process that probed has died: another one may probe.
        (_S.HALF_OPEN, _E.PROBED): _S.HALF_OPEN,
        (_S.HALF_OPEN, _E.ANSWERED): _S.CLOSED,
        (_S.HALF_OPEN, _E.FAILED_AGAIN): _S.OPEN,
    },
)

PROBE_SECONDS: Final = 25
"""The time limit of a probe, whatever the contract's is."""
PROBE: Final = timedelta(seconds=60)
"""How long a probe may take before it counts as lost: an answer may take twice the time limit of its first byte."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens and for how long, and the time limits of calls."""

    failures: int = 5
    """So many in a row open the breaker."""
    within: timedelta = timedelta(minutes=5)
    """A failure longer ago than this is forgotten."""
    open_for: timedelta = timedelta(seconds=30)
    open_seconds: int | None = None
    query_seconds: int | None = 5
    refund_seconds: int | None = None

    def seconds(self, operation: BankOperation) -> int | None:
        """The time limit of a call; None for the bank's own setting."""
        limits = {
            BankOperation.OPEN: self.open_seconds,
            BankOperation.QUERY: self.query_seconds,
            BankOperation.REFUND: self.refund_seconds,
        }
        return limits[operation]


@dataclass(frozen=True, slots=True)
class Health:
    """A breaker at one moment."""

    state: HealthState = HealthState.CLOSED
    failures: int = 0
    """In a row, up to the last one."""
    since: datetime | None = None
    """When it came into this state; for a closed one with failures, when the last failure was."""
    probe_until: datetime | None = None
    about: str | None = None
    """The payment of the last failure, if any: failures of one payment alone count once."""

    def may_call(self, now: datetime, policy: BreakerPolicy) -> bool:
        """Whether a call may go out, as a usual one or as the probe."""
        return self.state is HealthState.CLOSED or self.may_probe(now, policy)

    def may_probe(self, now: datetime, policy: BreakerPolicy) -> bool:
        """Whether a probe may go out."""
        until = self.open_until(policy)
        # An end later than that of any breaker that opens now comes from a clock that has been set back since.
        return until is not None and not now < until <= now + max(PROBE, policy.open_for)

    def open_until(self, policy: BreakerPolicy) -> datetime | None:
        """Until when no call goes out; None for a closed breaker. In the past when a probe is due."""
        if self.state is HealthState.CLOSED:
            return None
        return self.probe_until or (self.since and self.since + policy.open_for)


HEALTHY: Final = Health()


def after_probe(health: Health, now: datetime) -> Health:
    """The breaker while one process probes; others may probe when that takes too long."""
    state = HEALTH_LIFE.after(health.state, HealthEvent.PROBED)
    return replace(health, state=state, since=now, probe_until=now + PROBE)


def after_failure(health: Health, now: datetime, policy: BreakerPolicy, about: str | None = None) -> Health:
    """The breaker after a call without an answer. A late failure, of a call from before the breaker opened, changes
    nothing; nor does another one ``about`` the same payment as the last: one payment alone does not open a breaker.
    """
    if health.state is HealthState.OPEN:
        return health
    if health.state is HealthState.HALF_OPEN:
        state = HEALTH_LIFE.after(health.state, HealthEvent.FAILED_AGAIN)
        return Health(state, health.failures + 1, now)
    fresh = health.since is not None and now - health.since <= policy.within
    if fresh and about is not None and about == health.about:
        return health
    failures = (health.failures if fresh else 0) + 1
    if failures < policy.failures:
        return Health(HealthState.CLOSED, failures, now, about=about)
    return Health(HEALTH_LIFE.after(health.state, HealthEvent.FAILED_TOO_OFTEN), failures, now)


def after_answer(health: Health) -> Health:
    """The breaker after any answer. While it is open only the probe's answer counts."""
    return health if health.state is HealthState.OPEN else HEALTHY


def after_nothing_sent(health: Health) -> Health:
    """The breaker after a probe that was not sent: another process may probe at once."""
    if health.state is not HealthState.HALF_OPEN:
        return health
    return replace(health, probe_until=health.since)


@dataclass(frozen=True, slots=True)
class Downtime:
    """A period in which a bank has announced that it does not answer."""

    bank: str
    operation: BankOperation | None
    """None: every operation."""
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def covers(self, operation: BankOperation, now: datetime) -> bool:
        """Whether this is a downtime of the operation now."""
        return self.operation in (None, operation) and self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class AnnouncedDowntime(Downtime):
    """A downtime as operators see it."""

    id: int = 0
    announced_by: str = ""


@dataclass(frozen=True, slots=True)
class BankStates:
    """The breakers and downtimes of all banks, as they were read at one moment."""

    read_at: datetime
    health: Mapping[tuple[str, BankOperation], Health] = field(default_factory=dict)
    downtimes: tuple[Downtime, ...] = ()

    def of(self, bank: str, operation: BankOperation) -> Health:
        """The breaker of a bank; closed where none is stored."""
        return self.health.get((bank, operation), HEALTHY)

    def downtime_until(self, bank: str, operation: BankOperation, now: datetime) -> datetime | None:
        """The end of the bank's present downtime, or None."""
        ends = [
            downtime.ends_at
            for downtime in self.downtimes
            if downtime.bank == bank and downtime.covers(operation, now)
        ]
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class HealthView:
    """One breaker, as operators see it."""

    bank: str
    operation: BankOperation
    health: Health
    downtime_until: datetime | None
