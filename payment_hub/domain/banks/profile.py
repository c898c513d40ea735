"""A bank's profile (payment methods, limits, certainty of each fact of its protocol) and the terms of its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.banks.health import BankOperation, BreakerPolicy
from payment_hub.domain.money import Money, dong


class PaymentMethod(StrEnum):
    """How the citizen pays."""

    QR = "QR"
    """A code to scan with a banking app."""
    PAGE = "PAGE"
    """A page of the bank's."""
    APP_LINK = "APP_LINK"
    """A link that opens the bank's app."""
    BILL = "BILL"
    """A code to give at the bank, which then asks us what is due."""


class Certainty(StrEnum):
    """The certainty of a fact of a protocol."""

    REPRODUCED = "A"
    """Recomputed here, and equal to a value that the bank published or an independent implementation produced."""
    OFFICIAL = "B"
    """An official page or package, or two independent implementations."""
    ONE_SOURCE = "C"
    """One unofficial source."""
    HEARSAY = "D"
    """Widely reported, not read at its source: always a setting."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact on which the adapter is built."""

    what: str
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a bank's protocol. Amounts in dong; times from the opening of the payment to its deadline."""

    smallest: Money = field(default_factory=lambda: dong(1))
    largest: Money = field(default_factory=lambda: dong(9_999_999_999))
    shortest: timedelta = timedelta(0)
    """The least time until the deadline when a payment is opened."""
    longest: timedelta | None = None
    """The longest time until the deadline; a later deadline is shortened to it for the bank."""
    smallest_refund: Money = field(default_factory=lambda: dong(1))
    largest_refund: Money | None = None
    part_refunds: bool = True


@dataclass(frozen=True, slots=True)
class BankProfile:
    """The protocol as the adapter speaks it."""

    title: str
    methods: tuple[PaymentMethod, ...]
    facts: tuple[Fact, ...]
    limits: Limits = field(default_factory=Limits)
    codes: Mapping[str, str] = field(default_factory=dict)
    """Every documented code and its meaning."""
    signed: bool = True
    """Whether a signature covers the content of callbacks; False where it only identifies the sender."""


_TEN_THOUSAND: Final = 10_000


class Bearer(StrEnum):
    """Who bears a bank's fee."""

    AGENCY = "AGENCY"
    PAYER = "PAYER"
    """The bank adds it to the amount; it is never in the hub's ledger."""
    HUB = "HUB"


class Trust(StrEnum):
    """The proof of a payment that the contract accepts."""

    CALLBACK = "CALLBACK"
    """A signed callback."""
    INQUIRY = "INQUIRY"
    """A callback, confirmed by a query."""


@dataclass(frozen=True, slots=True)
class BankTerms:
    """The contract. Amounts in whole dong. The default is open to all agencies, free, and trusts the callback."""

    agencies: tuple[str, ...] | None = None
    """Codes of the agencies for which the bank collects; None is all of them."""
    kinds: tuple[str, ...] | None = None
    """Kinds of obligations that it takes; None is all of them."""
    smallest: int | None = None
    largest: int | None = None
    """Narrower than what its protocol carries."""
    fee_fixed: int = 0
    fee_per_ten_thousand: int = 0
    borne_by: Bearer = Bearer.AGENCY
    settlement_days: int = 1
    """Working days from the payment to the day when the money is handed over."""
    cut_off: time = time(16, 0)
    """Hub time; what is paid later counts for the next working day."""
    closes_at_cut_off: bool = False
    """It opens payments on working days before the cut-off alone."""
    before_expiry: timedelta = timedelta(0)
    """The least time until an order's deadline when it is offered."""
    trust: Trust = Trust.CALLBACK
    inquiry_above: int | None = None
    """Above so many dong an inquiry is needed, whatever ``trust`` is."""
    outcome_within: timedelta = timedelta(minutes=15)
    """The longest time until the bank itself knows an outcome: callers are shown a moment from it."""
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)

    def fee(self, amount: Money) -> Money:
        """What the bank takes for collecting ``amount``, rounded to the nearest dong; nothing where nothing is due."""
        if amount.minor <= 0:
            return Money(0, amount.currency)
        part = (amount.minor * self.fee_per_ten_thousand * 2 + _TEN_THOUSAND) // (2 * _TEN_THOUSAND)
        return Money(self.fee_fixed + part, amount.currency)

    def needs_inquiry(self, amount: Money | None) -> bool:
        """Whether a callback with PAID needs an inquiry as proof; without an amount, whenever there is a limit."""
        if self.trust is Trust.INQUIRY:
            return True
        return self.inquiry_above is not None and (amount is None or amount.minor > self.inquiry_above)

    def seconds(self, operation: BankOperation) -> int | None:
        """The time limit of a call; None for the bank's own setting."""
        return self.breaker.seconds(operation)


#: The terms of a bank without a contract in the settings.
NO_TERMS: Final = BankTerms()
