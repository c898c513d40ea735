"""By when an unknown outcome will be known: first the bank's own time, then the statement's, then the officer's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.calendar import HUB_TIME
from payment_hub.domain.payments import Expectation, escalates_at

UNKNOWN = datetime(2026, 3, 2, 10, 0, tzinfo=HUB_TIME)
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=HUB_TIME)
ASKED = Expectation(can_query=True, known_within=timedelta(minutes=15))
SILENT = Expectation(can_query=False, known_within=timedelta(minutes=15))


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
