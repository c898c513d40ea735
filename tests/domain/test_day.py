"""Business days: where one ends and the next begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.calendar import HUB_TIME, bounds, business_day


def test_the_day_changes_at_midnight_in_vietnam() -> None:
    assert business_day(datetime(2026, 3, 1, 16, 59, 59, 999999, tzinfo=UTC)) == date(2026, 3, 1)
    assert business_day(datetime(2026, 3, 1, 17, 0, tzinfo=UTC)) == date(2026, 3, 2)


def test_a_payment_in_the_small_hours_is_of_the_day_that_its_payer_lives_in() -> None:
    """Two in the morning in Vietnam is seven in the evening of the day before in Greenwich."""
    at_two = datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
    assert business_day(at_two) == date(2026, 3, 2)
    assert business_day(at_two.astimezone(HUB_TIME)) == date(2026, 3, 2)
    assert business_day(datetime(2025, 12, 31, 19, 0, tzinfo=UTC)) == date(2026, 1, 1)
    first, after = bounds(date(2026, 3, 2))
    assert (first, after) == (datetime(2026, 3, 1, 17, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC))


def test_a_cut_off_before_midnight_ends_the_day_earlier() -> None:
    early = timedelta(hours=-1)
    assert business_day(datetime(2026, 12, 31, 22, 59, tzinfo=HUB_TIME), early) == date(2026, 12, 31)
    assert business_day(datetime(2026, 12, 31, 23, 0, tzinfo=HUB_TIME), early) == date(2027, 1, 1)


def test_a_moment_without_an_offset_has_no_day() -> None:
    with pytest.raises(ValueError, match="offset"):
        business_day(datetime(2026, 3, 1))  # noqa: DTZ001


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_a_day_holds_exactly_its_own_moments(day: date) -> None:
    first, after = bounds(day)
    assert after - first == timedelta(days=1)
    assert business_day(first) == business_day(after - timedelta(microseconds=1)) == day
    assert business_day(after) == day + timedelta(days=1)
