"""Gather the facts about an order and every enabled bank, from which a bank is chosen.

Say through which banks an agency would rather be paid.

Show every bank for one order, offered or not and why, and which one would be chosen.

Explain why the attempts at an order went through their banks, by what decided then: rules may have changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.health import BankStates
from payment_hub.domain.errors import AgencyNotFound
from payment_hub.domain.messages import Message
from payment_hub.domain.money import Money
from payment_hub.domain.references import parse_reference
from payment_hub.domain.routing import (
    BankFacts,
    OptionsView,
    RoutingFacts,
    bank_facts,
    explained,
    options_view,
)
from payment_hub.domain.settlement import may_complete_late, remaining, why_not_payable
from payment_hub.hub import Hub
from payment_hub.operations.banks import read_bank_states
from payment_hub.store import orders, payments
from payment_hub.store.access import find_agency
from payment_hub.store.tables import PaymentAttempt


def read_routing_facts(
    hub: Hub,
    *,
    order: Mapping[Any, Any],
    tried: Sequence[PaymentAttempt],
    preference: tuple[str, ...],
    states: BankStates,
    requested_bank: str | None = None,
) -> RoutingFacts:
    """The facts as they stand. ``order`` is a row read with COLUMNS, ``tried`` its attempts."""
    now, amount = hub.now(), remaining(order)
    undecided = payments.undecided(tried)
    promised = resumed_at = None
    if undecided is not None:
        promised = payments.expected_by(undecided, hub.expectation_of(undecided.bank), now)
        same = undecided.amount == amount.minor and not payments.is_awaiting(undecided)
        resumed_at = undecided.bank if same else None
    left = None if may_complete_late(order) else int((order["expires_at"] - now).total_seconds())
    return RoutingFacts(
        agency=order["agency"],
        kind=order["kind"],
        amount=amount.minor,
        currency=amount.currency,
        now=now.isoformat(),
        seconds_left=left,
        banks=_banks(hub, states, amount, now),
        preference=preference,
        requested_bank=requested_bank,
        closed=why_not_payable(order, now) is not None,
        undecided=undecided is not None,
        resumed_at=resumed_at,
        expected_by=None if promised is None else promised.isoformat(),
    )


def _banks(hub: Hub, states: BankStates, amount: Money, now: datetime) -> tuple[BankFacts, ...]:
    known: dict[str, Any] = {"amount": amount, "now": now, "holidays": hub.settings.holidays}
    return tuple(
        bank_facts(bank, adapter.profile, hub.terms_of(bank), states, **known)
        for bank, adapter in hub.adapters.items()
    )


def prefer_banks(hub: Hub, *, agency: str, banks: Sequence[str]) -> None:
    """The most wanted first; none is no preference. It decides between banks that are offered, and hides none.

    Raises AgencyNotFound, BankNotFound.
    """
    for bank in banks:
        hub.adapter(bank)
    with hub.transaction() as session:
        found = find_agency(session, agency)
        if found is None:
            raise AgencyNotFound(agency)
        found.bank_preference = list(banks) or None


def show_payment_options(hub: Hub, *, caller: Caller, reference: str) -> OptionsView:
    """All enabled banks as they stand for this order now. Raises MalformedReference, OrderNotFound."""
    plain = parse_reference(reference)
    states = read_bank_states(hub)
    with hub.transaction() as session:
        row = orders.find_row(session, plain, caller)
        facts = read_routing_facts(
            hub,
            order=row,
            tried=payments.attempts_of_order(session, row["order_id"]),
            preference=payments.preference_of(session, row["agency_id"]),
            states=states,
        )
    return options_view(plain, facts)


def explain_choices(hub: Hub, *, caller: Caller, reference: str) -> dict[str, Message]:
    """For each attempt's reference why its bank was chosen. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        chosen = payments.choices_of(session, row["order_id"])
    return {attempt: explained(choice) for attempt, choice in chosen}
