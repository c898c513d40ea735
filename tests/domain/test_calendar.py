"""Business days: where one ends and the next begins; working days, holidays and the cut-off of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.calendar import (
    HUB_TIME,
    bounds,
    business_day,
    is_working_day,
    next_working_day,
    settlement_day,
)


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


TET = frozenset(date(2026, 2, 16) + timedelta(days=days) for days in range(5))


def here(day: int, hour: int = 10, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=HUB_TIME)


@pytest.mark.parametrize(
    ("paid_at", "days", "settles"),
    [
        (here(2), 1, date(2026, 3, 3)),
        (here(2), 0, date(2026, 3, 2)),
        (here(2, 16, 0), 0, date(2026, 3, 2)),
        (here(2, 16, 1), 0, date(2026, 3, 3)),
        (here(6, 16, 1), 0, date(2026, 3, 9)),
        (here(6), 1, date(2026, 3, 9)),
        (here(7), 0, date(2026, 3, 9)),
        (here(8, 23), 1, date(2026, 3, 10)),
        (here(13, 17, month=2), 1, date(2026, 2, 24)),
    ],
)
def test_money_is_handed_over_on_working_days(paid_at: datetime, days: int, settles: date) -> None:
    assert settlement_day(paid_at, cut_off=time(16), days=days, holidays=TET) == settles


def test_the_hour_is_that_of_vietnam() -> None:
    late_in_london = datetime.fromisoformat("2026-03-02T09:30:00+00:00")
    assert settlement_day(late_in_london, cut_off=time(16), days=0, holidays=()) == date(2026, 3, 3)


def test_a_calendar_of_nothing_but_holidays_comes_to_an_end() -> None:
    class Always:
        def __contains__(self, _: object) -> bool:
            return True

    assert next_working_day(date(2026, 3, 2), Always()) > date(2026, 4, 1)


@given(st.integers(0, 5_000_000), st.integers(0, 10))
def test_a_later_payment_never_settles_earlier(minutes: int, days: int) -> None:
    paid_at = datetime(2020, 1, 1, tzinfo=HUB_TIME) + timedelta(minutes=minutes)
    settles = settlement_day(paid_at, cut_off=time(16), days=days, holidays=TET)
    later = settlement_day(paid_at + timedelta(hours=5), cut_off=time(16), days=days, holidays=TET)
    assert paid_at.date() <= settles <= later
    assert is_working_day(settles, TET)
