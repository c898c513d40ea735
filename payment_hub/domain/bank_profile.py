"""What is known of a bank's protocol: how one pays, within which limits, and how sure we are of each fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from payment_hub.domain.money import Money, dong


class Way(StrEnum):
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
    ways: tuple[Way, ...]
    facts: tuple[Fact, ...]
    limits: Limits = field(default_factory=Limits)
    codes: Mapping[str, str] = field(default_factory=dict)
    """Every documented code, with what it means in words."""
    signed: bool = True
    """Whether callbacks are signed over what they say; False where only their sender is known."""
