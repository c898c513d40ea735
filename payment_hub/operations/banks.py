"""Banks: calls through their circuit breakers, and announced downtimes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from payment_hub.domain.banks.health import (
    PROBE_SECONDS,
    AnnouncedDowntime,
    BankOperation,
    BankStates,
    BreakerPolicy,
    Health,
    HealthState,
    HealthView,
    after_answer,
    after_failure,
    after_nothing_sent,
    after_probe,
)
from payment_hub.domain.errors import (
    BankUnavailable,
    CircuitOpen,
    HubError,
    HubUnavailable,
    Malformed,
    NotFound,
)
from payment_hub.domain.timeouts import waiting_at_most
from payment_hub.hub import Hub
from payment_hub.store import banks
from payment_hub.store.tables import BankDowntime

#: A change of another process is seen after this time at the latest.
FRESH: Final = timedelta(seconds=1)


def read_bank_states(hub: Hub) -> BankStates:
    """Breakers and announced downtimes of all banks, from memory when that is fresh, so that no payment waits for it.

    Never inside a transaction: it may open its own.
    """
    cached, now = hub.memory.bank_states, hub.now()
    if cached is not None and timedelta(0) <= now - cached.read_at < FRESH:
        return cached
    with hub.transaction() as session:
        states = banks.read_states(session, now)
    hub.memory.bank_states = states
    return states


def open_until(hub: Hub, *, bank: str, operation: BankOperation) -> datetime | None:
    """Until when calls to the bank are refused, by its breaker or a downtime; None while one may go out."""
    states, now = read_bank_states(hub), hub.now()
    health, policy = states.of(bank, operation), hub.terms_of(bank).breaker
    is_open = health.state is HealthState.OPEN and not health.may_probe(now, policy)
    ends = [states.downtime_until(bank, operation, now), health.open_until(policy) if is_open else None]
    return max((moment for moment in ends if moment is not None), default=None)


log: Final = logging.getLogger(__name__)

T = TypeVar("T")


def call_bank(
    hub: Hub,
    *,
    bank: str,
    operation: BankOperation,
    call: Callable[[], T],
    seconds: int | None = None,
    about: str | None = None,
) -> T:
    """The result of ``call``, a method of the bank's adapter, made through the breaker. Never inside a transaction.

    The time limit is ``seconds``, or the contract's; a probe's is at most its lease. Any answer closes the breaker;
    BankUnavailable counts against the bank, for all calls ``about`` one payment once. Raises CircuitOpen, a
    BankUnavailable, when the call was not made; and everything that ``call`` raises.
    """
    terms = hub.terms_of(bank)
    probe = _authorize_call(hub, bank, operation, terms.breaker)
    try:
        with (
            waiting_at_most(seconds or terms.seconds(operation)),
            waiting_at_most(None if probe is None else PROBE_SECONDS),
        ):
            answer = call()
    except BankUnavailable:
        _record(
            hub,
            bank,
            operation,
            lambda health: after_failure(health, hub.now(), terms.breaker, about),
            probe,
        )
        raise
    except HubError:
        # The adapter refused to send it: that is no sign of the bank's health.
        _record(hub, bank, operation, after_nothing_sent, probe)
        raise
    _record(hub, bank, operation, after_answer, probe)
    return answer


def _authorize_call(hub: Hub, bank: str, operation: BankOperation, policy: BreakerPolicy) -> datetime | None:
    """Allow the call; with a moment it is the one probe, begun then. Raises CircuitOpen."""
    now = hub.now()
    states = read_bank_states(hub)
    downtime_until = states.downtime_until(bank, operation, now)
    if downtime_until is not None:
        raise CircuitOpen(_until(f"{bank} has announced that it is away", downtime_until))
    health = states.of(bank, operation)
    if health.state is HealthState.CLOSED:
        return None
    if not health.may_probe(now, policy):
        raise CircuitOpen(_until(f"{bank} does not answer", health.open_until(policy)))
    return _probe(hub, bank, operation, policy)


def _probe(hub: Hub, bank: str, operation: BankOperation, policy: BreakerPolicy) -> datetime | None:
    """Become the one process that probes the bank: since when. Raises CircuitOpen when another process probes.

    None when the breaker is closed by now.
    """
    with hub.transaction() as session:
        health, now = banks.lock_health(session, bank, operation), hub.now()
        if health.state is HealthState.CLOSED:
            return None
        if not health.may_probe(now, policy):
            raise CircuitOpen(_until(f"{bank} does not answer", health.open_until(policy)))
        banks.write_health(session, bank, operation, after_probe(health, now))
    hub.memory.bank_states = None
    return now


def _record(
    hub: Hub,
    bank: str,
    operation: BankOperation,
    after: Callable[[Health], Health],
    probe: datetime | None,
) -> None:
    """Move the breaker after a call. Without a change nothing is written: a healthy bank costs nothing.

    The result of a probe is always written, and while a probe runs only its own result counts.
    """
    try:
        cached = read_bank_states(hub).of(bank, operation) if probe is None else None
        if cached is not None and after(cached) == cached:
            return
        with hub.transaction() as session:
            before = banks.lock_health(session, bank, operation)
            other_probe = before.state is HealthState.HALF_OPEN and before.since != probe
            moved = before if other_probe else after(before)
            banks.write_health(session, bank, operation, moved)
        hub.memory.bank_states = None
    except HubUnavailable:
        # The bank's answer matters more than its breaker; the next call moves the breaker again.
        log.warning("bank_health_not_noted", extra={"bank": bank})
        return
    if moved.state is not before.state:
        log.warning("bank_health", extra={"bank": bank, "reason": f"{operation} is {moved.state} now"})


def _until(why: str, moment: datetime | None) -> str:
    return why if moment is None else f"{why}; asked again at {moment.astimezone(UTC):%FT%TZ}"


def show_bank_health(hub: Hub) -> list[HealthView]:
    """Every breaker of every enabled bank, as the database has it now."""
    now = hub.now()
    with hub.transaction() as session:
        states = banks.read_states(session, now)
    return [
        HealthView(bank, operation, states.of(bank, operation), states.downtime_until(bank, operation, now))
        for bank in sorted(hub.adapters)
        for operation in BankOperation
    ]


def announce_downtime(
    hub: Hub,
    *,
    bank: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    announced_by: str,
    operation: BankOperation | None = None,
) -> int:
    """The id of the downtime; without ``operation`` it is for all operations.

    Raises BankNotFound; Malformed for one that is over or ends before it starts.
    """
    hub.adapter(bank)
    now = hub.now()
    if ends_at <= max(starts_at, now):
        raise Malformed("a downtime ends after it starts, and not in the past")
    with hub.transaction() as session:
        downtime = BankDowntime(
            bank=bank,
            operation=operation,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            announced_by=announced_by,
            announced_at=now,
        )
        session.add(downtime)
        session.flush()
        number = downtime.id
    hub.memory.bank_states = None
    return number


def list_downtimes(hub: Hub) -> list[AnnouncedDowntime]:
    """The downtimes that are not over, the next one first."""
    with hub.transaction() as session:
        return banks.list_downtimes(session, hub.now())


def cancel_downtime(hub: Hub, *, number: int, cancelled_by: str) -> None:
    """Cancel it. Raises NotFound when there is none, it is over, or it was cancelled before."""
    with hub.transaction() as session:
        if not banks.cancel_downtime(session, number, cancelled_by, hub.now()):
            raise NotFound(f"downtime {number}")
    hub.memory.bank_states = None
