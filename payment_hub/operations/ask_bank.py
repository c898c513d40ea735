"""Ask a bank for something, through its breaker: who did not answer lately is left alone, and tried by one process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from payment_hub.domain.bank_health import (
    PROBE_SECONDS,
    BankOperation,
    Health,
    HealthState,
    Patience,
    after_answer,
    after_failure,
    after_nothing_sent,
    after_probe,
)
from payment_hub.domain.errors import BankResting, BankUnavailable, HubError, HubUnavailable
from payment_hub.domain.waiting import waiting_at_most
from payment_hub.hub import Hub
from payment_hub.operations.read_bank_states import read_bank_states
from payment_hub.store import bank_states

log: Final = logging.getLogger(__name__)

T = TypeVar("T")


def ask_bank(
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
    BankResting, a BankUnavailable, when the bank was not asked at all; and whatever ``call`` raises.
    """
    terms = hub.terms_of(bank)
    probe = _admit(hub, bank, operation, terms.patience)
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
            lambda health: after_failure(health, hub.now(), terms.patience, about),
            probe,
        )
        raise
    except HubError:
        # Its own adapter refused to send it: that says nothing about the bank.
        _note(hub, bank, operation, after_nothing_sent, probe)
        raise
    _note(hub, bank, operation, after_answer, probe)
    return answer


def _admit(hub: Hub, bank: str, operation: BankOperation, patience: Patience) -> datetime | None:
    """Let this question through; as the one probe if a moment is given back. Raises BankResting."""
    now = hub.now()
    states = read_bank_states(hub)
    away_until = states.away_until(bank, operation, now)
    if away_until is not None:
        raise BankResting(_until(f"{bank} has announced that it is away", away_until))
    health = states.of(bank, operation)
    if health.state is HealthState.CLOSED:
        return None
    if not health.may_probe(now, patience):
        raise BankResting(_until(f"{bank} does not answer", health.resting_until(patience)))
    return _probe(hub, bank, operation, patience)


def _probe(hub: Hub, bank: str, operation: BankOperation, patience: Patience) -> datetime | None:
    """Be the one process that asks whether the bank answers again: since when. Raises BankResting when another one is.

    None when the bank is known to answer by now.
    """
    with hub.transaction() as session:
        health, now = bank_states.lock(session, bank, operation), hub.now()
        if health.state is HealthState.CLOSED:
            return None
        if not health.may_probe(now, patience):
            raise BankResting(_until(f"{bank} does not answer", health.resting_until(patience)))
        bank_states.write(session, bank, operation, after_probe(health, now))
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
            before = bank_states.lock(session, bank, operation)
            outlived = before.state is HealthState.HALF_OPEN and before.since != probe
            moved = before if outlived else after(before)
            bank_states.write(session, bank, operation, moved)
        hub.memory.bank_states = None
    except HubUnavailable:
        # What the bank answered matters more than its health; the next question tells that again.
        log.warning("bank_health_not_noted", extra={"bank": bank})
        return
    if moved.state is not before.state:
        log.warning("bank_health", extra={"bank": bank, "reason": f"{operation} is {moved.state} now"})


def _until(why: str, moment: datetime | None) -> str:
    return why if moment is None else f"{why}; asked again at {moment.astimezone(UTC):%FT%TZ}"
