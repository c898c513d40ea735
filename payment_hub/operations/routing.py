"""Routing: gather the facts for the choice of a bank, show the options and explain choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.health import BankStates
from payment_hub.domain.errors import AgencyNotFound
from payment_hub.domain.messages import Message
from payment_hub.domain.references import parse_reference
from payment_hub.domain.routing import (
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
    attempts: Sequence[PaymentAttempt],
    preference: tuple[str, ...],
    states: BankStates,
    requested_bank: str | None = None,
) -> RoutingFacts:
    """The present facts. ``order`` is a row read with COLUMNS, ``attempts`` are its attempts."""
    now, amount = hub.now(), remaining(order)
    undecided = payments.undecided(attempts)
    expected_by = resumed_at = None
    if undecided is not None:
        expected_by = payments.expected_by(undecided, hub.expectation_of(undecided.bank), now)
        same_payment = undecided.amount == amount.minor and not payments.is_awaiting(undecided)
        resumed_at = undecided.bank if same_payment else None
    seconds_left = None if may_complete_late(order) else int((order["expires_at"] - now).total_seconds())
    return RoutingFacts(
        agency=order["agency"],
        kind=order["kind"],
        amount=amount.minor,
        currency=amount.currency,
        now=now.isoformat(),
        seconds_left=seconds_left,
        banks=tuple(
            bank_facts(
                bank,
                adapter.profile,
                hub.terms_of(bank),
                states,
                amount=amount,
                now=now,
                holidays=hub.settings.holidays,
            )
            for bank, adapter in hub.adapters.items()
        ),
        preference=preference,
        requested_bank=requested_bank,
        closed=why_not_payable(order, now) is not None,
        undecided=undecided is not None,
        resumed_at=resumed_at,
        expected_by=None if expected_by is None else expected_by.isoformat(),
    )


def prefer_banks(hub: Hub, *, agency: str, banks: Sequence[str]) -> None:
    """Set the banks that an agency prefers, the most preferred first; none for no preference.

    The preference decides between offered banks, and hides none.

    Raises AgencyNotFound, BankNotFound.
    """
    for bank in banks:
        hub.adapter(bank)
    with hub.transaction() as session:
        row = find_agency(session, agency)
        if row is None:
            raise AgencyNotFound(agency)
        row.bank_preference = list(banks) or None


def show_payment_options(hub: Hub, *, caller: Caller, reference: str) -> OptionsView:
    """Every enabled bank for this order, offered or not, and the one that would be chosen now.

    Raises MalformedReference, OrderNotFound.
    """
    plain = parse_reference(reference)
    states = read_bank_states(hub)
    with hub.transaction() as session:
        row = orders.find_row(session, plain, caller)
        facts = read_routing_facts(
            hub,
            order=row,
            attempts=payments.attempts_of_order(session, row["order_id"]),
            preference=payments.preference_of(session, row["agency_id"]),
            states=states,
        )
    return options_view(plain, facts)


def explain_choices(hub: Hub, *, caller: Caller, reference: str) -> dict[str, Message]:
    """For each attempt, by its reference, why its bank was chosen: from the stored choice, as rules may have changed.

    Raises MalformedReference, OrderNotFound.
    """
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        choices = payments.choices_of(session, row["order_id"])
    return {attempt: explained(choice) for attempt, choice in choices}
