"""Read how all banks stand: from memory when that is fresh, so that no payment waits for it.

Read until when a bank is left alone, so that what waits for it is put off no longer than it rests.

Ask a bank for something, through its breaker: who did not answer lately is left alone, and tried by one process.

Show how every enabled bank answers, for each thing that it is asked for.

Announce a time in which a bank will be away: nothing is asked of it then, and nobody is sent there.

List the announced downtimes of banks that are not over.

Withdraw an announced downtime: the bank is back earlier, or never went away.
"""

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

#: What another process has learned is known here after this time at the latest.
FRESH: Final = timedelta(seconds=1)


def read_bank_states(hub: Hub) -> BankStates:
    """Breakers and announced downtimes of all banks. Not to be asked inside a transaction: it may open its own."""
    known, now = hub.memory.bank_states, hub.now()
    if known is not None and timedelta(0) <= now - known.read_at < FRESH:
        return known
    with hub.transaction() as session:
        states = banks.read_states(session, now)
    hub.memory.bank_states = states
    return states


def read_open_circuits(hub: Hub, *, bank: str, operation: BankOperation) -> datetime | None:
    """Until when there is no use in asking it; None while somebody may, or is just finding out."""
    states, now = read_bank_states(hub), hub.now()
    health, policy = states.of(bank, operation), hub.terms_of(bank).breaker
    resting = health.state is HealthState.OPEN and not health.may_probe(now, policy)
    found = [states.downtime_until(bank, operation, now), health.open_until(policy) if resting else None]
    return max((moment for moment in found if moment is not None), default=None)


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
    """What ``call``, a verb of the bank's adapter, answers. Never inside a transaction.

    Waits ``seconds``, or as long as the contract says; a probe for no longer than its lease. Any answer is a sign of
    health; BankUnavailable is the sign of illness, of which all that are ``about`` one payment count once. Raises
    CircuitOpen, a BankUnavailable, when the bank was not asked at all; and whatever ``call`` raises.
    """
    terms = hub.terms_of(bank)
    probe = _admit(hub, bank, operation, terms.breaker)
    try:
        with (
            waiting_at_most(seconds or terms.seconds(operation)),
            waiting_at_most(None if probe is None else PROBE_SECONDS),
        ):
            answer = call()
    except BankUnavailable:
        _note(
            hub,
            bank,
            operation,
            lambda health: after_failure(health, hub.now(), terms.breaker, about),
            probe,
        )
        raise
    except HubError:
        # Its own adapter refused to send it: that says nothing about the bank.
        _note(hub, bank, operation, after_nothing_sent, probe)
        raise
    _note(hub, bank, operation, after_answer, probe)
    return answer


def _admit(hub: Hub, bank: str, operation: BankOperation, policy: BreakerPolicy) -> datetime | None:
    """Let this question through; as the one probe if a moment is given back. Raises CircuitOpen."""
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
    """Be the one process that asks whether the bank answers again: since when. Raises CircuitOpen when another one is.

    None when the bank is known to answer by now.
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


def _note(
    hub: Hub,
    bank: str,
    operation: BankOperation,
    after: Callable[[Health], Health],
    probe: datetime | None,
) -> None:
    """Move the breaker by what happened. Where nothing changes nothing is written: a healthy bank costs nothing.

    What a probe has found is always told to the database, and while one is out nobody else's word counts.
    """
    try:
        known = read_bank_states(hub).of(bank, operation) if probe is None else None
        if known is not None and after(known) == known:
            return
        with hub.transaction() as session:
            before = banks.lock_health(session, bank, operation)
            outlived = before.state is HealthState.HALF_OPEN and before.since != probe
            moved = before if outlived else after(before)
            banks.write_health(session, bank, operation, moved)
        hub.memory.bank_states = None
    except HubUnavailable:
        # What the bank answered matters more than its health; the next question tells that again.
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
    """The number of the downtime; without ``operation`` it is for everything.

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
    """Each with its number, the next one first."""
    with hub.transaction() as session:
        return banks.list_downtimes(session, hub.now())


def cancel_downtime(hub: Hub, *, number: int, cancelled_by: str) -> None:
    """End it now. Raises NotFound when there is none, it is over, or it was withdrawn before."""
    with hub.transaction() as session:
        if not banks.cancel_downtime(session, number, cancelled_by, hub.now()):
            raise NotFound(f"downtime {number}")
    hub.memory.bank_states = None
