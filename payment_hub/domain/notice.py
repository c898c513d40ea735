"""Notices: what the portal is told, and how long the hub goes on telling it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class EventType(StrEnum):
    """What can have happened to an order."""

    ISSUED = "payment_order.issued"
    PAID = "payment_order.paid"
    UNDERPAID = "payment_order.underpaid"
    OVERPAID = "payment_order.overpaid"
    HELD = "payment_order.held"
    CANCELLED = "payment_order.cancelled"
    EXPIRED = "payment_order.expired"
    REFUND_PROPOSED = "payment_order.refund_proposed"
    REFUND_APPROVED = "payment_order.refund_approved"
    REFUND_DECLINED = "payment_order.refund_declined"
    REFUND_SUCCEEDED = "payment_order.refund_succeeded"
    REFUND_FAILED = "payment_order.refund_failed"
    DISPUTED = "payment_order.disputed"
    """A bank has taken money back by itself."""


class NoticeState(StrEnum):
    """Where a notice stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    """The whole ladder failed, or the portal said 410; an operator is told, and may send it again."""
    CANCELLED = "CANCELLED"
    """The portal has no address for notices any more."""


class NoticeEvent(StrEnum):
    """What can happen to a notice."""

    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    GONE = "GONE"
    GIVEN_UP = "GIVEN_UP"
    NO_ADDRESS = "NO_ADDRESS"
    SENT_AGAIN = "SENT_AGAIN"


_S, _E = NoticeState, NoticeEvent

NOTICE_LIFE: Final = Lifecycle(
    "notice",
    _S.PENDING,
    {
        (_S.PENDING, _E.ACCEPTED): _S.DELIVERED,
        (_S.PENDING, _E.FAILED): _S.PENDING,
        (_S.PENDING, _E.GONE): _S.DEAD,
        (_S.PENDING, _E.GIVEN_UP): _S.DEAD,
        (_S.PENDING, _E.NO_ADDRESS): _S.CANCELLED,
        # Whoever lost a notice may have it sent again, with a fresh ladder. Nothing else revives one that has
        # ended.
        (_S.PENDING, _E.SENT_AGAIN): _S.PENDING,
        (_S.DELIVERED, _E.SENT_AGAIN): _S.PENDING,
        (_S.DEAD, _E.SENT_AGAIN): _S.PENDING,
        (_S.CANCELLED, _E.SENT_AGAIN): _S.PENDING,
    },
)

#: Every notice comes to one of these by itself: the ladder is finite.
ENDED: Final = (_S.DELIVERED, _S.DEAD, _S.CANCELLED)

#: Waits before each further attempt: twelve tries over about three days, so that a weekend's outage loses
#: nothing (Standard Webhooks asks for days, not hours).
LADDER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 90000)
)
LONGEST_WAIT: Final = LADDER[-1] * 1.1

#: How long a notice belongs to the worker that claimed it; longer than a batch can take. When a worker dies
#: the lease ends and the notice is sent again: at least once, never at most once.
LEASE: Final = timedelta(minutes=2)

#: How soon a claimed notice is due again when its turn did not come, because its portal was too slow.
PUT_BACK: Final = timedelta(seconds=10)

_GONE: Final = 410
_ACCEPTED: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What came back from a portal, or why nothing came (then ``status`` is nothing)."""

    status: int | None
    text: str
    milliseconds: int


def wait_after(attempts: int, jitter: float) -> timedelta | None:
    """How long to wait after ``attempts`` failed tries, or nothing when the ladder has ended.

    ``jitter`` in [0, 1) moves the wait by up to a tenth, so that notices that failed together do not all come
    back together.
    """
    if attempts > len(LADDER):
        return None
    return LADDER[attempts - 1] * (0.9 + jitter / 5)


def meaning_of(status: int | None, attempts: int) -> NoticeEvent:
    """What an answer to the ``attempts``-th try means. Only 2xx is acceptance: a redirect is a failure."""
    if status in _ACCEPTED:
        return NoticeEvent.ACCEPTED
    if status == _GONE:
        return NoticeEvent.GONE
    return NoticeEvent.GIVEN_UP if attempts > len(LADDER) else NoticeEvent.FAILED
