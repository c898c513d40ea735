"""Business days in hub time, and working days.

A working day is a day on which banks settle: not a weekend, and no holiday of the settings.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

#: Vietnam keeps UTC+7 all year, without daylight saving.
HUB_TIME: Final = timezone(timedelta(hours=7), "UTC+07:00")


def business_day(moment: datetime, cut_off: timedelta = timedelta(0)) -> date:
    """The business day of an aware moment. A ``cut_off`` of -1 h ends the day at 23:00 hub time.

    Raises ValueError for a moment without an offset.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset from UTC")
    return (moment.astimezone(HUB_TIME) - cut_off).date()


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of ``day`` and of the next one, in hub time."""
    start = datetime(day.year, day.month, day.day, tzinfo=HUB_TIME)
    return start, start + timedelta(days=1)


_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5

#: A calendar with more holidays in a row than this is a mistake.
_LONGEST_REST: Final = 60


def is_working_day(day: date, holidays: Container[date]) -> bool:
    """Whether banks settle on this day."""
    return day.weekday() < _SATURDAY and day not in holidays


def next_working_day(day: date, holidays: Container[date]) -> date:
    """The first working day after ``day``."""
    after = day + _DAY
    for _ in range(_LONGEST_REST):
        if is_working_day(after, holidays):
            break
        after += _DAY
    return after


def settlement_day(moment: datetime, *, cut_off: time, days: int, holidays: Container[date]) -> date:
    """The day on which money paid at ``moment`` is settled: ``days`` working days after the day that it counts for.

    What comes after ``cut_off`` (hub time), or on a day without work, counts for the next working day.
    """
    local = moment.astimezone(HUB_TIME)
    day = local.date()
    if local.time() > cut_off or not is_working_day(day, holidays):
        day = next_working_day(day, holidays)
    for _ in range(days):
        day = next_working_day(day, holidays)
    return day
