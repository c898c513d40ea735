"""Refunds: why money goes back, by which way, and the two lives that a refund can have.

By a bank's message a refund is sent, and the bank's word decides. On paper (the Treasury's refund voucher, a transfer
order) people carry it out, and evidence decides. UNKNOWN is not failure: only a proof ends it, and what may have been
sent is never sent again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import RefundOutcome
from payment_hub.domain.ledger import Account
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.orders import EventType

#: Who proposes what nobody asked for: money that came twice, too much, or for what is withdrawn.
THE_HUB: Final = "hub"


class RefundReason(StrEnum):
    """Why money goes back."""

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
    """By which way money goes back."""

    BANK = "BANK"
    """By a message to the bank that collected it."""
    TRANSFER = "TRANSFER"
    """By an officer's transfer from the collecting account: the bank has no message for it."""
    TREASURY = "TREASURY"
    """By the Treasury's refund voucher: the money is with the Treasury."""
    AGENCY = "AGENCY"
    """By the agency's own transfer: the money is with it, and not at the Treasury."""


class RefundState(StrEnum):
    """Where a refund stands."""

    PROPOSED = "PROPOSED"
    """The sum is reserved; another person must approve it."""
    APPROVED = "APPROVED"
    """To be sent to the bank, or on paper to be handed in."""
    SUBMITTING = "SUBMITTING"
    """The intent is stored and the bank is being asked."""
    PENDING = "PENDING"
    """The bank has accepted it: it has not given anything back yet."""
    UNKNOWN = "UNKNOWN"
    """The bank did not answer: we do not know whether it took the request."""
    HANDED_IN = "HANDED_IN"
    """The paper is with those who pay."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    """Proved not to have gone back: the money is where it was."""
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
    """The bank was not asked after all: it is left alone for a while."""
    HANDED_IN = "HANDED_IN"
    RETURNED = "RETURNED"
    """The money has gone back."""
    FAILED = "FAILED"
    """It has not, and will not: there is proof."""
    CONTRADICTED = "CONTRADICTED"
    """Told of a refund that had ended, and against its end: an officer must look. It moves nothing."""


_S, _E = RefundState, RefundEvent

REFUND_LIFE: Final = Lifecycle(
    "refund",
    _S.PROPOSED,
    {
        (_S.PROPOSED, _E.APPROVED): _S.APPROVED,
        (_S.PROPOSED, _E.DECLINED): _S.DECLINED,
        # By a bank's message.
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
        # Before it left: a bank that will not be asked any more, or a paper that was refused at the counter.
        (_S.APPROVED, _E.FAILED): _S.FAILED,
        # On paper.
        (_S.APPROVED, _E.HANDED_IN): _S.HANDED_IN,
        (_S.HANDED_IN, _E.RETURNED): _S.SUCCEEDED,
        (_S.HANDED_IN, _E.FAILED): _S.FAILED,
        # What has ended stays as it is, whatever is told of it.
        (_S.SUCCEEDED, _E.CONTRADICTED): _S.SUCCEEDED,
        (_S.FAILED, _E.CONTRADICTED): _S.FAILED,
    },
)

#: Told against the end that a refund has come to.
CONTRADICTIONS: Final = frozenset({(_S.SUCCEEDED, _E.FAILED), (_S.FAILED, _E.RETURNED)})

_PAPER_ALONE: Final = {
    (_S.APPROVED, _E.HANDED_IN),
    (_S.HANDED_IN, _E.RETURNED),
    (_S.HANDED_IN, _E.FAILED),
}
_BOTH: Final = {(_S.PROPOSED, _E.APPROVED), (_S.PROPOSED, _E.DECLINED), (_S.APPROVED, _E.FAILED)}


def _without(moves: Set[tuple[RefundState, RefundEvent]], name: str) -> Lifecycle[RefundState, RefundEvent]:
    left = {move: after for move, after in REFUND_LIFE.table.items() if move not in moves}
    return Lifecycle(name, REFUND_LIFE.first, left)


BANK_REFUND_LIFE: Final = _without(_PAPER_ALONE, "refund through a bank")
PAPER_REFUND_LIFE: Final = _without(REFUND_LIFE.table.keys() - _PAPER_ALONE - _BOTH, "refund on paper")

#: Its sum is reserved, and it may still come to anything.
LIVE: Final = (_S.PROPOSED, _S.APPROVED, _S.SUBMITTING, _S.PENDING, _S.UNKNOWN, _S.HANDED_IN)
#: The bank has been asked, or may have been, and its last word is still to come.
QUERIED: Final = (_S.SUBMITTING, _S.PENDING, _S.UNKNOWN)
#: A bank that has not been asked, or has not answered, after a day, and one that has accepted it and told nothing for
#: a week: an officer must see to it.
ANSWERED_WITHIN: Final = timedelta(days=1)
RETURNED_WITHIN: Final = timedelta(days=7)
#: What the code begins with of a refund that its bank's own limits refused to carry.
NOT_CARRIED: Final = "not sent:"
#: A bank that has refused to give money back so often is not asked for that money again.
REFUSALS: Final = 2
ENDED: Final = (_S.SUCCEEDED, _S.FAILED, _S.DECLINED)


def life_of(route: Route) -> Lifecycle[RefundState, RefundEvent]:
    """The moves that a refund by this way can make."""
    return BANK_REFUND_LIFE if route is Route.BANK else PAPER_REFUND_LIFE


def event_of(outcome: RefundOutcome) -> RefundEvent:
    """What a bank's word means. "Accepted" is not "returned"."""
    return _MEANS[outcome]


_MEANS: Final = {
    RefundOutcome.SUCCEEDED: _E.RETURNED,
    RefundOutcome.FAILED: _E.FAILED,
    RefundOutcome.PENDING: _E.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does to the order's sums, in refunds of one amount, and what its portal is told."""

    held: int = 0
    refunded: int = 0
    paid_back: int = 0
    event: EventType | None = None


EFFECTS: Final = {
    _E.PROPOSED: Effect(held=1, event=EventType.REFUND_PROPOSED),
    _E.DECLINED: Effect(held=-1, event=EventType.REFUND_DECLINED),
    _E.APPROVED: Effect(paid_back=1, event=EventType.REFUND_APPROVED),
    _E.RETURNED: Effect(held=-1, refunded=1, event=EventType.REFUND_SUCCEEDED),
    _E.FAILED: Effect(held=-1, paid_back=-1, event=EventType.REFUND_FAILED),
}


def paid_from(route: Route) -> Account:
    """The account that a refund by this way is paid from: what the bank keeps for us, or what the agency has had."""
    return Account.BANK_CLEARING if route in (Route.BANK, Route.TRANSFER) else Account.SETTLEMENT_CASH


def route_of(
    *, credited: bool, owed_to_agency: bool, treasury: bool, limits: Limits | None, amount: int, paid: int
) -> Route:
    """The way for ``amount`` of a payment of ``paid``, in dong.

    ``owed_to_agency`` says that it is taken from what the agency is owed, ``credited`` that the agency has had that
    already, ``treasury`` that it had it at the Treasury. ``limits`` are those of a bank that gives money back.
    """
    if credited and owed_to_agency:
        return Route.TREASURY if treasury else Route.AGENCY
    return Route.BANK if limits is not None and _carries(limits, amount, paid) else Route.TRANSFER


def _carries(limits: Limits, amount: int, paid: int) -> bool:
    most = limits.largest_refund.minor if limits.largest_refund is not None else amount
    return limits.smallest_refund.minor <= amount <= most and (limits.part_refunds or amount == paid)


def storable(word: str) -> str:
    """A bank's word as the database can hold it, whatever was sent: no NUL, no half of a character, at most 200."""
    return word.replace("\0", "").encode("utf-8", "backslashreplace").decode()[:200]


def plain_name(name: str) -> str:
    """A person's name as a bank's message carries it: ASCII letters, digits, spaces and ``.-``, at most 60."""
    letters = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else " " * (c == " ") for c in letters)
    return " ".join(kept.split())[:60] or "officer"
