"""An attempt's life: what a bank's word makes of it, and when the bank contradicts itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payment_hub.domain.payments import (
    ATTEMPT_LIFE,
    UNDER_WAY,
    AttemptEvent,
    AttemptState,
    after_outcome,
    wait_before_query,
)

S, E = AttemptState, AttemptEvent


@pytest.mark.parametrize(
    ("state", "event", "after", "contradicts"),
    [
        (S.PENDING, E.PAID, S.SUCCEEDED, False),
        (S.PENDING, E.DECLINED, S.FAILED, False),
        (S.UNKNOWN, E.PAID, S.SUCCEEDED, False),
        (S.UNKNOWN, E.DECLINED, S.FAILED, False),
        (S.ABANDONED, E.PAID, S.SUCCEEDED, False),
        (S.ABANDONED, E.DECLINED, S.FAILED, False),
        (S.SUCCEEDED, E.PAID, S.SUCCEEDED, False),
        (S.FAILED, E.DECLINED, S.FAILED, False),
        # Declined, then proved: the money is here all the same, and an officer looks.
        (S.FAILED, E.PAID, S.SUCCEEDED, True),
        # Proved, then declined: money leaves by a refund only, and an officer looks.
        (S.SUCCEEDED, E.DECLINED, S.SUCCEEDED, True),
    ],
)
def test_what_a_banks_word_makes_of_an_attempt(
    state: AttemptState, event: AttemptEvent, after: AttemptState, contradicts: bool
) -> None:
    assert after_outcome(state, event) == (after, contradicts)


def test_what_is_proved_stays_so_and_anything_can_still_be_proved() -> None:
    assert ATTEMPT_LIFE.is_final(S.SUCCEEDED)
    assert set(ATTEMPT_LIFE.sources(E.PAID)) == set(S) - {S.SUCCEEDED}
    assert {event for state, event in ATTEMPT_LIFE.table if state is S.FAILED} == {E.PAID}


def test_silence_is_not_failure() -> None:
    assert ATTEMPT_LIFE.after(S.SUBMITTING, E.NO_ANSWER) is S.UNKNOWN
    assert not ATTEMPT_LIFE.allows(S.UNKNOWN, E.GIVEN_UP)
    assert set(UNDER_WAY) == {S.SUBMITTING, S.PENDING, S.UNKNOWN}


def test_a_silent_bank_is_asked_quickly_then_hourly_then_daily() -> None:
    seconds = [wait_before_query(asked) // timedelta(seconds=1) for asked in range(8)]
    assert seconds == [5, 5, 30, 120, 300, 900, 3600, 3600]
    assert wait_before_query(30) == timedelta(hours=1)
    assert wait_before_query(31) == timedelta(days=1)
