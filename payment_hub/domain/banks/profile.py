"""What is known of a bank's protocol: how one pays, within which limits, and how sure we are of each fact.

Our contract with one bank: for whom it collects, at which price, when it pays over, how far its word is trusted.
"""

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
    """How sure a fact of a protocol is."""

    REPRODUCED = "A"
    """Recomputed here, and equal to a value that the bank published or an independent implementation produced."""
    OFFICIAL = "B"
    """An official page or kit, or two independent implementations."""
    ONE_SOURCE = "C"
    """One unofficial source."""
    HEARSAY = "D"
    """Widely told, not read at its source: always a setting."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact on which the adapter is built."""

    what: str
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Limits:
    """What a bank's protocol can carry. Amounts in dong; times from the opening of the payment to its deadline."""

    smallest: Money = field(default_factory=lambda: dong(1))
    largest: Money = field(default_factory=lambda: dong(9_999_999_999))
    shortest: timedelta = timedelta(0)
    """A payment whose deadline is nearer cannot be opened any more."""
    longest: timedelta | None = None
    """A deadline that is further away is given to the bank as this one."""
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
    """Every documented code, with what it means in words."""
    signed: bool = True
    """Whether callbacks are signed over what they say; False where only their sender is known."""


_TEN_THOUSAND: Final = 10_000


class Bearer(StrEnum):
    """Who bears a bank's fee."""

    AGENCY = "AGENCY"
    PAYER = "PAYER"
    """The bank adds it to what the payer pays; it never comes through our books."""
    HUB = "HUB"


class Trust(StrEnum):
    """What makes a payment a fact for us."""

    CALLBACK = "CALLBACK"
    """The bank's signed word by itself."""
    INQUIRY = "INQUIRY"
    """Its word, and then the same in its answer to our question."""


@dataclass(frozen=True, slots=True)
class BankTerms:
    """The contract. Amounts in whole dong. The default is open to everybody, without a fee, and trusts the callback."""

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
    """How long before its deadline an order is offered for the last time."""
    trust: Trust = Trust.CALLBACK
    inquiry_above: int | None = None
    """Above so many dong an inquiry is wanted, whatever ``trust`` says."""
    known_within: timedelta = timedelta(minutes=15)
    """How long the bank takes at most to know what became of a payment: what we promise by."""
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)

    def fee(self, amount: Money) -> Money:
        """What the bank takes for collecting ``amount``, rounded to the nearest dong; nothing where nothing is due."""
        if amount.minor <= 0:
            return Money(0, amount.currency)
        part = (amount.minor * self.fee_per_ten_thousand * 2 + _TEN_THOUSAND) // (2 * _TEN_THOUSAND)
        return Money(self.fee_fixed + part, amount.currency)

    def needs_inquiry(self, amount: Money | None) -> bool:
        """Whether a callback that says PAID is not yet proof. Of an amount that is not told the most is feared."""
        if self.trust is Trust.INQUIRY:
            return True
        return self.inquiry_above is not None and (amount is None or amount.minor > self.inquiry_above)

    def seconds(self, operation: BankOperation) -> int | None:
        """How long an answer is waited for; None is as long as the bank's own setting says."""
        return self.breaker.seconds(operation)


#: Of a bank about which nothing is agreed.
NO_TERMS: Final = BankTerms()
