"""Gather the facts about an order and every enabled bank, from which a bank is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from payment_hub.domain.bank_health import BankStates
from payment_hub.domain.choice_facts import BankFacts, Facts, bank_facts
from payment_hub.domain.money import Money
from payment_hub.domain.payable import may_complete_late, remaining, why_not_payable
from payment_hub.hub import Hub
from payment_hub.store import attempts
from payment_hub.store.tables import PaymentAttempt


def weigh_banks(
    hub: Hub,
    *,
    order: Mapping[Any, Any],
    tried: Sequence[PaymentAttempt],
    preference: tuple[str, ...],
    states: BankStates,
    wish: str | None = None,
) -> Facts:
    """The facts as they stand. ``order`` is a row read with COLUMNS, ``tried`` its attempts, ``wish`` a named bank."""
    now, amount = hub.now(), remaining(order)
    undecided = attempts.undecided(tried)
    promised = resumed_at = None
    if undecided is not None:
        promised = attempts.known_by(undecided, hub.promise_of(undecided.bank), now)
        same = undecided.amount == amount.minor and not attempts.unproven(undecided)
        resumed_at = undecided.bank if same else None
    left = None if may_complete_late(order) else int((order["expires_at"] - now).total_seconds())
    return Facts(
        agency=order["agency"],
        kind=order["kind"],
        amount=amount.minor,
        currency=amount.currency,
        now=now.isoformat(),
        seconds_left=left,
        banks=_banks(hub, states, amount, now),
        preference=preference,
        wish=wish,
        closed=why_not_payable(order, now) is not None,
        undecided=undecided is not None,
        resumed_at=resumed_at,
        known_by=None if promised is None else promised.isoformat(),
    )


def _banks(hub: Hub, states: BankStates, amount: Money, now: datetime) -> tuple[BankFacts, ...]:
    known: dict[str, Any] = {"amount": amount, "now": now, "holidays": hub.holidays}
    return tuple(
        bank_facts(bank, adapter.profile, hub.terms_of(bank), states, **known)
        for bank, adapter in hub.adapters.items()
    )
