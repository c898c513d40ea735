"""When banks hand money over: working days, holidays, and the cut-off of a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.calendar import HUB_TIME, is_working_day, next_working_day, settlement_day

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
