"""A payment attempt's life. UNKNOWN is not failure: only a proof ends it.

What callers are shown of an attempt, and of the banks between which it was or can be chosen.

What officers and operators are shown of outcomes that nobody knows, of the banks' health and of their keys.

By when an unknown outcome will be known: a promise that is shown, kept beside the attempt, and measured.
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
    """Where one try at paying stands."""

    SUBMITTING = "SUBMITTING"
    """The intent is stored and the bank is being queries."""
    PENDING = "PENDING"
    """The payer has instructions; the bank has not told the outcome."""
    UNKNOWN = "UNKNOWN"
    """The bank did not answer: we do not know whether it took the request."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"
    """The payer went on to another bank, or the order closed. Money may still come."""


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    INSTRUCTIONS_GIVEN = "INSTRUCTIONS_GIVEN"
    NO_ANSWER = "NO_ANSWER"
    PAID = "PAID"
    DECLINED = "DECLINED"
    GIVEN_UP = "GIVEN_UP"


class Awaiting(StrEnum):
    """What a bank's callback said that is no outcome yet, and for which the bank has to be queries."""

    CONFIRMATION = "CONFIRMATION"
    """Our contract wants the same in its answer to a question, or in its statement."""
    CAPTURE = "CAPTURE"
    """The bank holds the money until we take it or leave it."""


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

#: A bank that says this of an attempt in that state contradicts what it has said before.
CONTRADICTIONS: Final = frozenset({(_S.FAILED, _E.PAID), (_S.SUCCEEDED, _E.DECLINED)})

#: While an attempt is in one of these no other may start, except that a PENDING one may be given up.
UNDER_WAY: Final = (_S.SUBMITTING, _S.PENDING, _S.UNKNOWN)


def after_outcome(state: AttemptState, event: AttemptEvent) -> tuple[AttemptState, bool]:
    """The state after a bank's word, which may change nothing, and whether the bank contradicts itself."""
    after = ATTEMPT_LIFE.after(state, event) if ATTEMPT_LIFE.allows(state, event) else state
    return after, (state, event) in CONTRADICTIONS


def wait_before_query(queries: int) -> timedelta:
    """How long to wait before the next question when a bank was asked ``queries`` times without an outcome.

    Quick at first, for a citizen at a counter; then hourly to the end of the day, then daily.
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
    """UNKNOWN also while the bank's word that it was paid waits for its proof, or it holds the money for us."""
    amount: Money
    instructions: InstructionsView
    started_at: datetime
    expected_by: Annotated[
        datetime | None, Shown(description="While the outcome is unknown: when it will be known")
    ]


@dataclass(frozen=True, slots=True)
class AttemptsView:
    """Every try at paying one order, the latest first."""

    items: tuple[AttemptView, ...]


#: Seconds up to which the times between unknown and known are counted: a citizen at a counter, a page, a day, a week.
WITHIN: Final = (5, 30, 120, 300, 900, 3600, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class UnresolvedView:
    """One attempt whose outcome is unknown, or that its bank calls paid without proof."""

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
    """Since when an officer must see to it."""


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """How long one bank left us without an outcome, and whether we kept what we promised then."""

    bank: str
    open: int = 0
    overdue: int = 0
    """Of these, those that lie before an officer."""
    oldest_at: datetime | None = None
    waits: tuple[int, ...] = ()
    """Seconds from unknown to known, of each that became known in the last day."""
    kept: int = 0
    """Of these, those that were known when we had promised."""

    @property
    def within(self) -> list[tuple[int, int]]:
        """How many became known within so many seconds."""
        return [(limit, sum(wait <= limit for wait in self.waits)) for limit in WITHIN]


_DAY: Final = timedelta(days=1)

#: By then the night has read the bank's statement of the day before, and an officer has seen what is in it.
NOON: Final = time(12, 0)


def escalates_at(unknown_at: datetime) -> datetime:
    """From when on an officer must see to it: noon of the day after (T+1), when the statement has told nothing."""
    following = business_day(unknown_at) + _DAY
    return datetime.combine(following, NOON, HUB_TIME).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What may be promised of one bank."""

    can_query: bool
    """It can be queries; of one that cannot only the statement tells."""
    known_within: timedelta

    def expected_by(self, unknown_at: datetime, query_at: datetime, now: datetime) -> datetime:
        """The promise as of ``now``, for an outcome unknown since ``unknown_at`` that is asked about at ``query_at``.

        First the bank's own time, then the statement's, and when both are over the next noon, by an officer.
        """
        quick = unknown_at + self.known_within
        if self.can_query and now < quick:
            return max(quick, query_at)
        noon = escalates_at(unknown_at)
        if noon <= now:
            noon = datetime.combine(business_day(now), NOON, HUB_TIME).astimezone(UTC)
        return noon if noon > now else noon + _DAY
