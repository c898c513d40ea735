"""Refunds: their reasons, their routes, and the two lifecycles that a refund can have.

A refund through a bank is sent, and the bank's answer decides. A refund on paper (the Treasury's refund voucher, a
transfer order) is carried out by people, and evidence decides. UNKNOWN is not failure: only a proof ends it, and a
refund that may have been sent is never sent again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import RefundOutcome
from payment_hub.domain.ledger import Account
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.orders import EventType

#: The proposer of refunds that no person requested: money paid twice, too much, or for a withdrawn obligation.
THE_HUB: Final = "hub"


class RefundReason(StrEnum):
    """Why money is refunded."""

    PAID_TWICE = "PAID_TWICE"
    OVERPAID = "OVERPAID"
    PAID_LATE = "PAID_LATE"
    """It came after the deadline or the withdrawal, and may not settle."""
    NOT_OWED = "NOT_OWED"
    """The agency found that nothing, or less, was owed."""
    DOSSIER_REFUSED = "DOSSIER_REFUSED"
    """The dossier was refused after it had been paid for."""
    WRONG_PAYMENT = "WRONG_PAYMENT"
    """The payer paid by mistake: another's obligation, or the wrong one."""
    OTHER = "OTHER"


class Route(StrEnum):
    """The route by which money is refunded."""

    BANK = "BANK"
    """By a message to the bank that collected it."""
    TRANSFER = "TRANSFER"
    """By an officer's transfer from the collecting account: the bank has no message for it."""
    TREASURY = "TREASURY"
    """By the Treasury's refund voucher: the money is with the Treasury."""
    AGENCY = "AGENCY"
    """By the agency's own transfer: the money is with it, and not at the Treasury."""


class RefundState(StrEnum):
    """The state of a refund."""

    PROPOSED = "PROPOSED"
    """The sum is reserved; another person must approve it."""
    APPROVED = "APPROVED"
    """To be sent to the bank, or on paper to be handed in."""
    SUBMITTING = "SUBMITTING"
    """The intent is stored and the bank is being called."""
    PENDING = "PENDING"
    """The bank has accepted the request and has not returned the money yet."""
    UNKNOWN = "UNKNOWN"
    """The bank did not answer: it may or may not have taken the request."""
    HANDED_IN = "HANDED_IN"
    """The paper is with the Treasury or the agency that pays."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    """Proved not to have been paid out: the money is where it was."""
    DECLINED = "DECLINED"


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    NO_ANSWER = "NO_ANSWER"
    NOT_SENT = "NOT_SENT"
    """The request was not sent after all: the bank's circuit is open."""
    HANDED_IN = "HANDED_IN"
    RETURNED = "RETURNED"
    """The money has been returned."""
    FAILED = "FAILED"
    """The money was not returned and will not be: there is proof."""
    CONTRADICTED = "CONTRADICTED"
    """The bank states the opposite of how the refund ended: an officer must look. It moves no money."""


_S, _E = RefundState, RefundEvent

REFUND_LIFE: Final = Lifecycle(
    "refund",
    _S.PROPOSED,
    {
        (_S.PROPOSED, _E.APPROVED): _S.APPROVED,
        (_S.PROPOSED, _E.DECLINED): _S.DECLINED,
        # Through a bank.
        (_S.APPROVED, _E.SUBMITTED): _S.SUBMITTING,
        (_S.SUBMITTING, _E.ACCEPTED): _S.PENDING,
        (_S.SUBMITTING, _E.NO_ANSWER): _S.UNKNOWN,
        (_S.SUBMITTING, _E.NOT_SENT): _S.APPROVED,
        (_S.SUBMITTING, _E.RETURNED): _S.SUCCEEDED,
        (_S.SUBMITTING, _E.FAILED): _S.FAILED,
        (_S.UNKNOWN, _E.ACCEPTED): _S.PENDING,
        (_S.UNKNOWN, _E.RETURNED): _S.SUCCEEDED,
        (_S.UNKNOWN, _E.FAILED): _S.FAILED,
        (_S.PENDING, _E.RETURNED): _S.SUCCEEDED,
        (_S.PENDING, _E.FAILED): _S.FAILED,
        # Before it left: its bank is not enabled any more, or the paper was refused.
        (_S.APPROVED, _E.FAILED): _S.FAILED,
        # On paper.
        (_S.APPROVED, _E.HANDED_IN): _S.HANDED_IN,
        (_S.HANDED_IN, _E.RETURNED): _S.SUCCEEDED,
        (_S.HANDED_IN, _E.FAILED): _S.FAILED,
        # A refund that has ended keeps its state, whatever the bank states later.
        (_S.SUCCEEDED, _E.CONTRADICTED): _S.SUCCEEDED,
        (_S.FAILED, _E.CONTRADICTED): _S.FAILED,
    },
)

#: Results that contradict the end of a refund.
CONTRADICTIONS: Final = frozenset({(_S.SUCCEEDED, _E.FAILED), (_S.FAILED, _E.RETURNED)})

_PAPER_ALONE: Final = {
    (_S.APPROVED, _E.HANDED_IN),
    (_S.HANDED_IN, _E.RETURNED),
    (_S.HANDED_IN, _E.FAILED),
}
_BOTH: Final = {(_S.PROPOSED, _E.APPROVED), (_S.PROPOSED, _E.DECLINED), (_S.APPROVED, _E.FAILED)}


def _without(moves: Set[tuple[RefundState, RefundEvent]], name: str) -> Lifecycle[RefundState, RefundEvent]:
    remaining = {move: after for move, after in REFUND_LIFE.table.items() if move not in moves}
    return Lifecycle(name, REFUND_LIFE.first, remaining)


BANK_REFUND_LIFE: Final = _without(_PAPER_ALONE, "refund through a bank")
PAPER_REFUND_LIFE: Final = _without(REFUND_LIFE.table.keys() - _PAPER_ALONE - _BOTH, "refund on paper")

#: The amount is reserved, and the refund has not ended.
LIVE: Final = (_S.PROPOSED, _S.APPROVED, _S.SUBMITTING, _S.PENDING, _S.UNKNOWN, _S.HANDED_IN)
#: The request was sent, or may have been, and the bank's final answer is still to come.
QUERIED: Final = (_S.SUBMITTING, _S.PENDING, _S.UNKNOWN)
#: Times after which a refund is escalated to officers: not sent or not answered, and accepted but not returned.
ANSWERED_WITHIN: Final = timedelta(days=1)
RETURNED_WITHIN: Final = timedelta(days=7)
#: How the code of a refund begins that its bank's own limits refused.
NOT_CARRIED: Final = "not sent:"
#: After so many refusals of a bank the money goes by transfer.
REFUSALS: Final = 2
ENDED: Final = (_S.SUCCEEDED, _S.FAILED, _S.DECLINED)


def life_of(route: Route) -> Lifecycle[RefundState, RefundEvent]:
    """The lifecycle of a refund by this route."""
    return BANK_REFUND_LIFE if route is Route.BANK else PAPER_REFUND_LIFE


def event_of(outcome: RefundOutcome) -> RefundEvent:
    """The event of a bank's answer. "Accepted" is not "returned"."""
    return _EVENTS[outcome]


_EVENTS: Final = {
    RefundOutcome.SUCCEEDED: _E.RETURNED,
    RefundOutcome.FAILED: _E.FAILED,
    RefundOutcome.PENDING: _E.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """Who states that something happened to a refund, when, and on what grounds."""

    actor: str
    at: datetime
    code: str = ""
    note: str = ""
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SumsChange:
    """How an event changes the order's sums, in multiples of the refund's amount, and which event the portal gets."""

    event: EventType
    held: int = 0
    refunded: int = 0
    paid_back: int = 0


#: The events that change an order. All others change the refund alone.
SUMS: Final = {
    _E.PROPOSED: SumsChange(EventType.REFUND_PROPOSED, held=1),
    _E.DECLINED: SumsChange(EventType.REFUND_DECLINED, held=-1),
    _E.APPROVED: SumsChange(EventType.REFUND_APPROVED, paid_back=1),
    _E.RETURNED: SumsChange(EventType.REFUND_SUCCEEDED, held=-1, refunded=1),
    _E.FAILED: SumsChange(EventType.REFUND_FAILED, held=-1, paid_back=-1),
}


def paid_from(route: Route) -> Account:
    """The account from which a refund by this route is paid: the bank's, or the agency's after settlement."""
    return Account.BANK_CLEARING if route in (Route.BANK, Route.TRANSFER) else Account.SETTLEMENT_CASH


def route_of(
    *, credited: bool, owed_to_agency: bool, treasury: bool, limits: Limits | None, amount: int, paid: int
) -> Route:
    """The route for ``amount`` of a payment of ``paid``, in dong.

    ``owed_to_agency``: the money is owed to the agency; ``credited``: the agency has received it already;
    ``treasury``: in its Treasury account. ``limits`` are those of a bank with refund messages.
    """
    if credited and owed_to_agency:
        return Route.TREASURY if treasury else Route.AGENCY
    if limits is None:
        return Route.TRANSFER
    most = limits.largest_refund.minor if limits.largest_refund is not None else amount
    within = limits.smallest_refund.minor <= amount <= most and (limits.part_refunds or amount == paid)
    return Route.BANK if within else Route.TRANSFER


def storable(text: str) -> str:
    """A bank's text as the database can store it: no NUL, no half of a character, at most 200 characters."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()[:200]


def plain_name(name: str) -> str:
    """A person's name as a bank's message carries it: ASCII letters, digits, spaces and ``.-``, at most 60."""
    letters = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else " " * (c == " ") for c in letters)
    return " ".join(kept.split())[:60] or "officer"
