"""Business days: dates in hub time, with a cut-off."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

#: Vietnam keeps UTC+7 all year, without daylight saving.
HUB_TIME: Final = timezone(timedelta(hours=7), "UTC+07:00")


def business_day(moment: datetime, cut_off: timedelta = timedelta(0)) -> date:
    """The business day of an aware moment. A ``cut_off`` of -1 h ends the day at 23:00 hub time.

    Raises ValueError for a moment without an offset.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment must know its offset from UTC")
    return (moment.astimezone(HUB_TIME) - cut_off).date()


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of ``day`` and of the next one, in hub time."""
    start = datetime(day.year, day.month, day.day, tzinfo=HUB_TIME)
    return start, start + timedelta(days=1)
