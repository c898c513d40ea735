"""A bank's health: whether it answers, told for each thing that we ask of it, from what really happened.

A breaker closed lets every question through. After some failures in a row it opens, and nobody waits for that bank any
more. When it has rested, one process alone asks: an answer closes it, another failure lets it rest again.

What officers and operators are shown of outcomes that nobody knows, of the banks' health and of their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class BankOperation(StrEnum):
    """What a bank is asked for. Each has a health of its own: who opens no payments may still answer questions."""

    OPEN = "OPEN"
    QUERY = "QUERY"
    REFUND = "REFUND"


class HealthState(StrEnum):
    """What a breaker lets through."""

    CLOSED = "CLOSED"
    """Everything: the bank answers."""
    OPEN = "OPEN"
    """Nothing: it has failed too often, and rests."""
    HALF_OPEN = "HALF_OPEN"
    """One question, to learn whether it answers again."""


class HealthEvent(StrEnum):
    """What happens to a breaker."""

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
        # Whoever probed died without a word: somebody else may.
        (_S.HALF_OPEN, _E.PROBED): _S.HALF_OPEN,
        (_S.HALF_OPEN, _E.ANSWERED): _S.CLOSED,
        (_S.HALF_OPEN, _E.FAILED_AGAIN): _S.OPEN,
    },
)

PROBE_SECONDS: Final = 25
"""A probe's answer is waited for no longer, however patient the contract is."""
PROBE: Final = timedelta(seconds=60)
"""How long a probe may take before it counts as lost: an answer may take twice as long as its first word."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens and for how long, and how long each answer is waited for."""

    failures: int = 5
    """So many in a row open the breaker."""
    within: timedelta = timedelta(minutes=5)
    """A failure longer ago than this is forgotten."""
    open_for: timedelta = timedelta(seconds=30)
    open_seconds: int | None = None
    query_seconds: int | None = 5
    refund_seconds: int | None = None

    def seconds(self, operation: BankOperation) -> int | None:
        """How long an answer is waited for; None is as long as the bank's own setting says."""
        waited = {
            BankOperation.OPEN: self.open_seconds,
            BankOperation.QUERY: self.query_seconds,
            BankOperation.REFUND: self.refund_seconds,
        }
        return waited[operation]


@dataclass(frozen=True, slots=True)
class Health:
    """A breaker as it stands."""

    state: HealthState = HealthState.CLOSED
    failures: int = 0
    """In a row, up to the last one."""
    since: datetime | None = None
    """When it came into this state; of a closed one with failures, when the last of them was."""
    probe_until: datetime | None = None
    about: str | None = None
    """What the last failure was about, where that is known: one payment alone says little about a bank."""

    def may_call(self, now: datetime, policy: BreakerPolicy) -> bool:
        """Whether a question may go out, as a usual one or as the probe."""
        return self.state is HealthState.CLOSED or self.may_probe(now, policy)

    def may_probe(self, now: datetime, policy: BreakerPolicy) -> bool:
        """Whether one question may go out to learn whether the bank answers again."""
        until = self.open_until(policy)
        # A rest that ends later than any that begins now was begun by a clock that has been set back since.
        return until is not None and not now < until <= now + max(PROBE, policy.open_for)

    def open_until(self, policy: BreakerPolicy) -> datetime | None:
        """Until when nobody asks; None when everybody may. Past when a probe is due."""
        if self.state is HealthState.CLOSED:
            return None
        return self.probe_until or (self.since and self.since + policy.open_for)


HEALTHY: Final = Health()


def after_probe(health: Health, now: datetime) -> Health:
    """One process asks, and nobody else does until it is back, or has been away for too long."""
    state = HEALTH_LIFE.after(health.state, HealthEvent.PROBED)
    return replace(health, state=state, since=now, probe_until=now + PROBE)


def after_failure(health: Health, now: datetime, policy: BreakerPolicy, about: str | None = None) -> Health:
    """The bank did not answer. A failure told late, of a question asked before the breaker opened, changes nothing; nor
    does another one ``about`` the same payment as the last: a bank is not left alone because it chokes on one.
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
    """The bank answered, whatever it said. While the breaker is open only the probe's answer counts."""
    return health if health.state is HealthState.OPEN else HEALTHY


def after_nothing_sent(health: Health) -> Health:
    """The probe never left: somebody else may try at once."""
    if health.state is not HealthState.HALF_OPEN:
        return health
    return replace(health, probe_until=health.since)


@dataclass(frozen=True, slots=True)
class Downtime:
    """A time in which a bank has announced that it will not answer."""

    bank: str
    operation: BankOperation | None
    """None is everything."""
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def covers(self, operation: BankOperation, now: datetime) -> bool:
        """Whether the bank is away for this now."""
        return self.operation in (None, operation) and self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class AnnouncedDowntime(Downtime):
    """A downtime as operators see it."""

    id: int = 0
    announced_by: str = ""


@dataclass(frozen=True, slots=True)
class BankStates:
    """How all banks stand, as it was read at one moment."""

    read_at: datetime
    health: Mapping[tuple[str, BankOperation], Health] = field(default_factory=dict)
    downtimes: tuple[Downtime, ...] = ()

    def of(self, bank: str, operation: BankOperation) -> Health:
        """The health of a bank; one of which nothing is known is well."""
        return self.health.get((bank, operation), HEALTHY)

    def downtime_until(self, bank: str, operation: BankOperation, now: datetime) -> datetime | None:
        """Until when the bank has said that it is away, or None."""
        ends = [each.ends_at for each in self.downtimes if each.bank == bank and each.covers(operation, now)]
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class HealthView:
    """One breaker, as operators see it."""

    bank: str
    operation: BankOperation
    health: Health
    downtime_until: datetime | None
