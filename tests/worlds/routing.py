"""A payer who chooses among small banks, and the options that are then shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import BankProfile, BankTerms, Limits, PaymentMethod
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import dong
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.routing import OptionReason, OptionsView
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.routing import show_payment_options
from tests.worlds.banks import StandInBank
from tests.worlds.orders import an_operator

UNREACHABLE = BankUnavailable("no answer")
QUICK_BREAKER = BreakerPolicy(failures=1, open_for=timedelta(seconds=30))


class SmallBank(StandInBank):
    """It takes no more than 100,000 dong, by a bill that needs ten minutes."""

    profile = BankProfile(
        "Small", (PaymentMethod.BILL,), (), Limits(largest=dong(100_000), shortest=timedelta(minutes=10))
    )


def start_attempt(hub: Hub, reference: str, bank: str | None = None) -> AttemptView:
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def shown_options(hub: Hub, reference: str) -> OptionsView:
    return show_payment_options(hub, caller=an_operator(), reference=reference)


def reasons(hub: Hub, reference: str) -> dict[str, OptionReason | None]:
    return {option.bank: option.reason for option in shown_options(hub, reference).items}


def with_terms(hub: Hub, **terms: BankTerms) -> Hub:
    return replace(hub, terms={**hub.terms, **terms})
