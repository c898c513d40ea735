"""Payment attempts: their lifecycle, when a bank is queried, by when an unknown outcome is expected, and their views.

UNKNOWN is not failure: only a proof of the bank ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final

from payment_hub.domain.calendar import HUB_TIME, business_day
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.money import Money
from payment_hub.domain.wire import Shown


class AttemptState(StrEnum):
    """The state of one try at paying."""

    SUBMITTING = "SUBMITTING"
    """The intent is stored; the request to the bank is on its way."""
    PENDING = "PENDING"
    """The payer has instructions; the bank has reported no outcome."""
    UNKNOWN = "UNKNOWN"
    """The bank did not answer: it may have taken the request or not."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"
    """The payer chose another bank, or the order closed. Money may still come."""


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    INSTRUCTIONS_GIVEN = "INSTRUCTIONS_GIVEN"
    NO_ANSWER = "NO_ANSWER"
    PAID = "PAID"
    DECLINED = "DECLINED"
    GIVEN_UP = "GIVEN_UP"


class Awaiting(StrEnum):
    """What a callback reported that is not an outcome yet: a query must settle it."""

    CONFIRMATION = "CONFIRMATION"
    """A payment that the contract wants confirmed by a query or a bank statement."""
    CAPTURE = "CAPTURE"
    """Money that the bank holds until the hub captures or cancels it."""


_S, _E = AttemptState, AttemptEvent

ATTEMPT_LIFE: Final = Lifecycle(
    "payment attempt",
    _S.SUBMITTING,
    {
        (_S.SUBMITTING, _E.INSTRUCTIONS_GIVEN): _S.PENDING,
        (_S.SUBMITTING, _E.NO_ANSWER): _S.UNKNOWN,
        (_S.SUBMITTING, _E.PAID): _S.SUCCEEDED,
        (_S.SUBMITTING, _E.DECLINED): _S.FAILED,
        (_S.PENDING, _E.PAID): _S.SUCCEEDED,
        (_S.PENDING, _E.DECLINED): _S.FAILED,
        (_S.PENDING, _E.GIVEN_UP): _S.ABANDONED,
        (_S.UNKNOWN, _E.INSTRUCTIONS_GIVEN): _S.PENDING,
        (_S.UNKNOWN, _E.PAID): _S.SUCCEEDED,
        (_S.UNKNOWN, _E.DECLINED): _S.FAILED,
        (_S.ABANDONED, _E.PAID): _S.SUCCEEDED,
        (_S.ABANDONED, _E.DECLINED): _S.FAILED,
        # A bank may prove a payment that it had declined. The reverse is never legal: money leaves by refund only.
        (_S.FAILED, _E.PAID): _S.SUCCEEDED,
    },
)

#: An event that contradicts what the bank has reported before.
CONTRADICTIONS: Final = frozenset({(_S.FAILED, _E.PAID), (_S.SUCCEEDED, _E.DECLINED)})

#: While an attempt is in one of these no other may start, except that a PENDING one may be given up.
UNDER_WAY: Final = (_S.SUBMITTING, _S.PENDING, _S.UNKNOWN)

#: The bank's answer is missing: money may have been taken.
UNANSWERED: Final = (_S.SUBMITTING, _S.UNKNOWN)

#: The bank has proved the outcome.
DECIDED: Final = (_S.SUCCEEDED, _S.FAILED)


def after_outcome(state: AttemptState, event: AttemptEvent) -> tuple[AttemptState, bool]:
    """The state after a reported outcome, which may change nothing, and whether the bank contradicts itself."""
    after = ATTEMPT_LIFE.after(state, event) if ATTEMPT_LIFE.allows(state, event) else state
    return after, (state, event) in CONTRADICTIONS


def wait_before_query(queries: int) -> timedelta:
    """The wait before the next query, after ``queries`` queries without an outcome.

    Short at first, because a citizen may wait for the page; later hourly, after about a day daily.
    """
    quick = (5, 30, 120, 300, 900, 3600)
    if queries <= len(quick):
        return timedelta(seconds=quick[max(queries, 1) - 1])
    return timedelta(hours=1) if queries <= 30 else timedelta(days=1)


@dataclass(frozen=True, slots=True)
class InstructionsView:
    """How the payer pays: a QR text, a page, an app, a bill code, and the transfer in words."""

    qr_text: str | None = None
    page_url: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    account_bank: str | None = None
    purpose: str | None = None
    app_link: str | None = None
    bill_code: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try at paying an order through one bank."""

    reference: str
    order_reference: Annotated[str, Shown("order")]
    bank: str
    state: AttemptState
    """Also UNKNOWN while a reported payment awaits its confirmation, or the bank holds the money."""
    amount: Money
    instructions: InstructionsView
    started_at: datetime
    expected_by: Annotated[
        datetime | None, Shown(description="While the outcome is unknown: when it is expected")
    ]


@dataclass(frozen=True, slots=True)
class AttemptsView:
    """Every try at paying one order, the latest first."""

    items: tuple[AttemptView, ...]


#: The buckets, in seconds, in which the times from unknown to resolved are counted.
WITHIN: Final = (5, 30, 120, 300, 900, 3600, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class UnresolvedView:
    """One attempt whose outcome is unknown or awaits its confirmation."""

    reference: str
    order_reference: Annotated[str, Shown("order")]
    agency: str
    bank: str
    state: AttemptState
    awaiting: Awaiting | None
    amount: Money
    queries: Annotated[int, Shown(description="How often the bank was asked")]
    unknown_at: datetime
    expected_by: datetime | None
    escalated_at: datetime | None
    """When it was escalated to officers."""


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """How long outcomes of one bank stay unknown, and how many were resolved when they were expected."""

    bank: str
    open: int = 0
    overdue: int = 0
    """Of these, those that are escalated to officers."""
    oldest_at: datetime | None = None
    waits: tuple[int, ...] = ()
    """Seconds from unknown to resolved, of each that was resolved in the last day."""
    kept: int = 0
    """Of these, those that were resolved by the moment that callers were shown."""

    @property
    def within(self) -> list[tuple[int, int]]:
        """How many were resolved within so many seconds."""
        return [(limit, sum(wait <= limit for wait in self.waits)) for limit in WITHIN]


_DAY: Final = timedelta(days=1)

#: By noon the bank's statement of the day before is matched, and an officer has seen the result.
NOON: Final = time(12, 0)


def escalates_at(unknown_at: datetime) -> datetime:
    """When the attempt is escalated to officers: noon of the next day (T+1), if the bank statement settles nothing."""
    following = business_day(unknown_at) + _DAY
    return datetime.combine(following, NOON, HUB_TIME).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Expectation:
    """When outcomes of one bank can be expected."""

    can_query: bool
    """Whether the bank can be queried. Without that only the bank statement shows the outcome."""
    outcome_within: timedelta

    def expected_by(self, unknown_at: datetime, query_at: datetime, now: datetime) -> datetime:
        """When an outcome unknown since ``unknown_at`` is expected, as of ``now``, with the next query at ``query_at``.

        First within the bank's own time, then by noon after its statement, and later by the next noon, from an officer.
        """
        quick = unknown_at + self.outcome_within
        if self.can_query and now < quick:
            return max(quick, query_at)
        noon = escalates_at(unknown_at)
        if noon <= now:
            noon = datetime.combine(business_day(now), NOON, HUB_TIME).astimezone(UTC)
        return noon if noon > now else noon + _DAY
