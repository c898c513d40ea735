"""A payment attempt: its transitions, contradictions of its bank, and by when an unknown outcome is resolved."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.calendar import HUB_TIME
from payment_hub.domain.payments import (
    ATTEMPT_LIFE,
    UNDER_WAY,
    AttemptEvent,
    AttemptState,
    Expectation,
    after_outcome,
    escalates_at,
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


UNKNOWN = datetime(2026, 3, 2, 10, 0, tzinfo=HUB_TIME)
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=HUB_TIME)
ASKED = Expectation(can_query=True, outcome_within=timedelta(minutes=15))
SILENT = Expectation(can_query=False, outcome_within=timedelta(minutes=15))


@pytest.mark.parametrize(
    ("promise", "later", "ask_in", "expected_by"),
    [
        (ASKED, timedelta(0), timedelta(seconds=30), UNKNOWN + timedelta(minutes=15)),
        (ASKED, timedelta(minutes=14), timedelta(minutes=14), UNKNOWN + timedelta(minutes=28)),
        (ASKED, timedelta(minutes=15), timedelta(hours=1), NOON),
        (SILENT, timedelta(0), timedelta(seconds=30), NOON),
        (ASKED, timedelta(hours=26), timedelta(hours=1), NOON + timedelta(days=1)),
        (SILENT, timedelta(days=9), timedelta(days=1), datetime(2026, 3, 11, 12, 0, tzinfo=HUB_TIME)),
    ],
)
def test_each_promise_is_followed_by_the_next(
    promise: Expectation, later: timedelta, ask_in: timedelta, expected_by: datetime
) -> None:
    now = UNKNOWN + later
    assert promise.expected_by(UNKNOWN, now + ask_in, now) == expected_by


def test_an_officer_sees_to_it_from_noon_of_the_day_after() -> None:
    assert escalates_at(UNKNOWN) == NOON
    assert escalates_at(datetime(2026, 3, 2, 17, 30, tzinfo=HUB_TIME).replace(hour=23)) == NOON


@given(st.integers(0, 20_000), st.integers(0, 90_000), st.booleans())
def test_what_is_promised_lies_ahead_and_never_far(minutes: int, ask_in: int, can_query: bool) -> None:
    now = UNKNOWN + timedelta(minutes=minutes)
    promise = Expectation(can_query, timedelta(minutes=15))
    expected_by = promise.expected_by(UNKNOWN, now + timedelta(seconds=ask_in), now)
    assert now < expected_by <= now + timedelta(days=2)


def test_a_promise_is_said_in_utc_as_all_moments_are() -> None:
    for now in (UNKNOWN, UNKNOWN + timedelta(hours=20), UNKNOWN + timedelta(days=5)):
        assert SILENT.expected_by(UNKNOWN, now, now).utcoffset() == timedelta(0)
