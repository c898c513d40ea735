"""The facts that the judge may know, and the words for what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from payment_hub.domain.agency import LatePolicy
from payment_hub.domain.ledger import Account


class Source(StrEnum):
    """By which way a confirmation came."""

    CALLBACK = "CALLBACK"
    QUERY = "QUERY"
    STATEMENT = "STATEMENT"


class Belief(StrEnum):
    """How far the word of a bank is believed by itself."""

    BELIEVED = "BELIEVED"
    UNPROVEN = "UNPROVEN"
    """Our contract wants to hear of money twice: by its callback, and in its answer or its statement."""
    CONTRADICTED = "CONTRADICTED"
    """The bank has said something else of the same payment, and neither is believed."""


class Verdict(StrEnum):
    """What a confirmation means for its order."""

    SETTLES = "SETTLES"
    OVERPAYS = "OVERPAYS"
    UNDERPAYS = "UNDERPAYS"
    PAID_TWICE = "PAID_TWICE"
    TOO_LATE = "TOO_LATE"
    """It may not settle: the order was closed and the agency's policy, or a change since, forbids it."""
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    CONTRADICTS = "CONTRADICTS"
    DECLINED = "DECLINED"
    STILL_PENDING = "STILL_PENDING"
    ALREADY_HEARD = "ALREADY_HEARD"
    UNPROVEN = "UNPROVEN"
    """The bank says that it was paid, and our contract with it wants to hear that twice."""


class Disposition(StrEnum):
    """What became of the message that carried it."""

    APPLIED = "APPLIED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    ORPHAN = "ORPHAN"


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """All that the judge may know of the order. Amounts in minor units of its currency."""

    required: int
    currency: str
    received: int
    accepted: int
    late: bool
    conflict: bool
    other_currency: bool
    expires_at: datetime
    cancelled_at: datetime | None
    late_policy: LatePolicy
    part_payments: bool
    still_owed: bool
    """The obligation stands, in the version that the order was issued for, and no order has settled it."""
    settled_here: bool
    settled_elsewhere: bool
    has_receipt: bool
    posted: Mapping[Account, int] = field(default_factory=dict)
    refunded: int = 0
    given_back: int = 0
    """What has left the order's accounts again: refunds on their way and done, and what a bank took back."""
    given_back_accepted: int = 0
    """The part of it that came from money which may settle."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An earlier confirmation with the same event id."""

    digest: bytes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Booked:
    """The money of the same bank transaction, when it was recorded before."""

    amount: int
    currency: str
    for_this_order: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What was known when the confirmation came."""

    order: OrderStanding | None = None
    heard: tuple[Heard, ...] = ()
    booked: Booked | None = None


@dataclass(frozen=True, slots=True)
class OrderAfter:
    """The order's facts with the confirmation added."""

    received: int
    accepted: int
    late: bool
    conflict: bool
    other_currency: bool
    held: bool
    settled: bool
    """The money accepted covers what is required, and nothing forbids that it settles."""
