"""The state of the citizen's checkout page: a pure function of the facts and the time.

Every state answers three questions: what is happening, was money taken, what to do next. A payment of unknown outcome
is never called failed, and the page offers no second payment while money may be on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from payment_hub.domain.money import Money
from payment_hub.domain.obligations import ObligationState, ObligationView
from payment_hub.domain.orders import OrderFlag, OrderStatus, OrderView
from payment_hub.domain.payments import UNANSWERED, UNDER_WAY, AttemptState, AttemptView
from payment_hub.domain.receipts import ReceiptView
from payment_hub.domain.routing import Option


class CheckoutState(StrEnum):
    """The state of the page."""

    CHOOSE_BANK = "CHOOSE_BANK"
    TRY_DECLINED = "TRY_DECLINED"
    """The last bank declined; another try is possible."""
    TRY_ABANDONED = "TRY_ABANDONED"
    """The payer left the last try for another bank; its money may still come."""
    ASKING_BANK = "ASKING_BANK"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    """The payer has the instructions."""
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    CLOSED_OUTCOME_UNKNOWN = "CLOSED_OUTCOME_UNKNOWN"
    """The order is closed, and the outcome of the last try is unknown."""
    PAID = "PAID"
    PAID_LATE = "PAID_LATE"
    PAID_TOO_MUCH = "PAID_TOO_MUCH"
    NOTHING_TO_PAY = "NOTHING_TO_PAY"
    UNDERPAID = "UNDERPAID"
    UNDERPAID_CLOSED = "UNDERPAID_CLOSED"
    """A part was paid, and the rest cannot be paid here any more."""
    UNDERPAID_OUTCOME_UNKNOWN = "UNDERPAID_OUTCOME_UNKNOWN"
    """A part was paid, and the outcome of a further try is unknown."""
    HELD = "HELD"
    """Money was received, and an officer must decide about it."""
    HELD_LATE = "HELD_LATE"
    """Money was received after the deadline and is being matched."""
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    OBLIGATION_CHANGED = "OBLIGATION_CHANGED"
    """The agency changed or withdrew what is owed after the order was issued."""
    PAID_ELSEWHERE = "PAID_ELSEWHERE"
    """Another order has settled the same obligation."""


class Taken(StrEnum):
    """Was money taken?"""

    NO = "NO"
    UNKNOWN = "UNKNOWN"
    PART = "PART"
    YES = "YES"
    HELD = "HELD"
    """Yes, and an officer must decide about it."""
    RETURNED = "RETURNED"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The consequences of a state for the page."""

    taken: Taken
    offers_banks: bool = False
    shows_instructions: bool = False
    look_again: int | None = None
    """Seconds after which the page reloads itself."""


_S = CheckoutState

MEANINGS: Final[Mapping[CheckoutState, Meaning]] = {
    _S.CHOOSE_BANK: Meaning(Taken.NO, offers_banks=True),
    _S.TRY_DECLINED: Meaning(Taken.NO, offers_banks=True),
    _S.TRY_ABANDONED: Meaning(Taken.UNKNOWN, offers_banks=True, look_again=60),
    _S.ASKING_BANK: Meaning(Taken.UNKNOWN, look_again=5),
    _S.AWAITING_PAYMENT: Meaning(Taken.UNKNOWN, shows_instructions=True, look_again=20),
    _S.OUTCOME_UNKNOWN: Meaning(Taken.UNKNOWN, look_again=20),
    _S.CLOSED_OUTCOME_UNKNOWN: Meaning(Taken.UNKNOWN, look_again=60),
    _S.PAID: Meaning(Taken.YES),
    _S.PAID_LATE: Meaning(Taken.YES),
    _S.PAID_TOO_MUCH: Meaning(Taken.YES),
    _S.NOTHING_TO_PAY: Meaning(Taken.NO),
    _S.UNDERPAID: Meaning(Taken.PART, offers_banks=True, shows_instructions=True, look_again=60),
    _S.UNDERPAID_CLOSED: Meaning(Taken.PART),
    _S.UNDERPAID_OUTCOME_UNKNOWN: Meaning(Taken.PART, look_again=20),
    _S.HELD: Meaning(Taken.HELD),
    _S.HELD_LATE: Meaning(Taken.HELD),
    _S.PARTLY_REFUNDED: Meaning(Taken.RETURNED),
    _S.REFUNDED: Meaning(Taken.RETURNED),
    _S.EXPIRED: Meaning(Taken.NO),
    _S.CANCELLED: Meaning(Taken.NO),
    _S.OBLIGATION_CHANGED: Meaning(Taken.NO),
    _S.PAID_ELSEWHERE: Meaning(Taken.NO),
}

_RETURNED: Final = {
    OrderStatus.PARTLY_REFUNDED: _S.PARTLY_REFUNDED,
    OrderStatus.REFUNDED: _S.REFUNDED,
}
_TRIED: Final = {
    AttemptState.SUBMITTING: _S.ASKING_BANK,
    AttemptState.PENDING: _S.AWAITING_PAYMENT,
    AttemptState.UNKNOWN: _S.OUTCOME_UNKNOWN,
    # The bank has proved a payment that the order does not show yet: the page must not offer another payment.
    AttemptState.SUCCEEDED: _S.OUTCOME_UNKNOWN,
    AttemptState.FAILED: _S.TRY_DECLINED,
    AttemptState.ABANDONED: _S.TRY_ABANDONED,
}
_MAY_HAVE_PAID: Final = (*UNDER_WAY, AttemptState.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """The content of the citizen's page. ``attempt`` is the latest, or an earlier one of unknown outcome."""

    order: OrderView
    obligation: ObligationView
    offers: tuple[Option, ...]
    """The banks that can be chosen now."""
    attempt: AttemptView | None
    receipt: ReceiptView | None
    now: datetime

    @property
    def banks(self) -> tuple[str, ...]:
        """The names of the banks that can be chosen now."""
        return tuple(offer.bank for offer in self.offers)

    @property
    def costs_payer(self) -> bool:
        """Whether one of these banks asks the payer for a fee."""
        return any(offer.payer_fee for offer in self.offers)

    @property
    def state(self) -> CheckoutState:
        """The state of the page at ``now``."""
        return checkout_state(self)

    @property
    def instructions(self) -> AttemptView | None:
        """The attempt whose instructions the payer may follow now; never one of another amount."""
        attempt = self.attempt
        valid = (
            attempt is not None and attempt.state == AttemptState.PENDING and attempt.amount == self.remaining
        )
        return attempt if valid and MEANINGS[self.state].shows_instructions else None

    @property
    def remaining(self) -> Money:
        """The amount still to be paid, at least zero."""
        return _at_least_zero(self.order.required - self.order.received)

    @property
    def excess(self) -> Money:
        """The money received and not refunded beyond the required amount."""
        return _at_least_zero(self.order.received - self.order.refunded - self.order.required)


def _at_least_zero(money: Money) -> Money:
    return money if money.minor > 0 else Money(0, money.currency)


def checkout_state(view: CheckoutView) -> CheckoutState:
    """The state of the page: by the money received, then by an attempt under way, then by the order itself."""
    return _with_money(view) or _without_money(view)


def _with_money(view: CheckoutView) -> CheckoutState | None:
    order, flags = view.order, view.order.flags
    if OrderFlag.HELD in flags:
        return _S.HELD_LATE if OrderFlag.LATE in flags else _S.HELD
    if order.status == OrderStatus.PAID:
        return _paid(order)
    if order.status == OrderStatus.UNDERPAID:
        return _underpaid(view)
    return _RETURNED.get(OrderStatus(order.status))


def _underpaid(view: CheckoutView) -> CheckoutState:
    if _tried(view) in UNANSWERED:
        return _S.UNDERPAID_OUTCOME_UNKNOWN
    return _S.UNDERPAID if _ended(view) is None else _S.UNDERPAID_CLOSED


def _without_money(view: CheckoutView) -> CheckoutState:
    tried, ended = _tried(view), _ended(view)
    if ended is not None:
        return _S.CLOSED_OUTCOME_UNKNOWN if tried in _MAY_HAVE_PAID else ended
    return _TRIED[tried] if tried else _S.CHOOSE_BANK


def _tried(view: CheckoutView) -> AttemptState | None:
    return AttemptState(view.attempt.state) if view.attempt else None


def _paid(order: OrderView) -> CheckoutState:
    if order.required.minor == 0 and order.received.minor == 0:
        return _S.NOTHING_TO_PAY
    if OrderFlag.OVERPAID in order.flags:
        return _S.PAID_TOO_MUCH
    return _S.PAID_LATE if OrderFlag.LATE in order.flags else _S.PAID


def _ended(view: CheckoutView) -> CheckoutState | None:
    """Why an order that is not paid cannot be paid any more, or None while it can."""
    order, obligation = view.order, view.obligation
    if obligation.state == ObligationState.SETTLED:
        return _S.PAID_ELSEWHERE
    if order.cancelled_at is not None:
        return _S.CANCELLED
    if obligation.state != ObligationState.OWED or obligation.version != order.obligation.version:
        return _S.OBLIGATION_CHANGED
    if order.expired_at is not None or view.now >= order.expires_at:
        return _S.EXPIRED
    return None
