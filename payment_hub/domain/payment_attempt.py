"""A payment attempt's life. UNKNOWN is not failure: only a proof ends it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class AttemptState(StrEnum):
    """Where one try at paying stands."""

    SUBMITTING = "SUBMITTING"
    """The intent is stored and the bank is being asked."""
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


class Told(StrEnum):
    """What a bank's callback said that is no outcome yet, and for which the bank has to be asked."""

    PAID = "PAID"
    """Our contract wants the same in its answer to a question, or in its statement."""
    AUTHORISED = "AUTHORISED"
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


def wait_before_asking(asked: int) -> timedelta:
    """How long to wait before the next question when a bank was asked ``asked`` times without an outcome.

    Quick at first, for a citizen at a counter; then hourly to the end of the day, then daily.
    """
    quick = (5, 30, 120, 300, 900, 3600)
    if asked <= len(quick):
        return timedelta(seconds=quick[max(asked, 1) - 1])
    return timedelta(hours=1) if asked <= 30 else timedelta(days=1)
