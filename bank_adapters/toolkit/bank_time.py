"""Moments as banks write them: Vietnamese wall-clock time (UTC+7, no summer time), UTC, or milliseconds since 1970.

On our side they are always aware UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Final

from payment_hub.domain.errors import Malformed

VIETNAM: Final = timezone(timedelta(hours=7), "UTC+7")

COMPACT: Final = "%Y%m%d%H%M%S"
RFC3339: Final = "%Y-%m-%dT%H:%M:%SZ"

_DIGITS_OF: Final = {
    "Y": "(?P<year>[0-9]{4})",
    "m": "(?P<month>[0-9]{2})",
    "d": "(?P<day>[0-9]{2})",
    "H": "(?P<hour>[0-9]{2})",
    "M": "(?P<minute>[0-9]{2})",
    "S": "(?P<second>[0-9]{2})",
}


def read_vietnam_time(text: str, pattern: str = COMPACT) -> datetime:
    """Read wall-clock ``text`` exactly as ``pattern`` (of %Y %m %d %H %M %S, all padded) says.

    Raises Malformed.
    """
    return _read(text, pattern, VIETNAM)


def vietnam_time_or_none(text: str, pattern: str = COMPACT) -> datetime | None:
    """As ``read_vietnam_time``, but None for what is not so written: banks fill a time that they do not know with
    anything. Then the arrival decides, for money is not turned away because of its time.
    """
    try:
        return read_vietnam_time(text, pattern)
    except Malformed:
        return None


def write_vietnam_time(moment: datetime, pattern: str = COMPACT) -> str:
    """``moment`` on the wall clock of Vietnam."""
    return moment.astimezone(VIETNAM).strftime(pattern)


def read_utc(text: str) -> datetime:
    """Read ``2026-11-22T05:00:00Z``, to the second and nothing else. Raises Malformed."""
    return _read(text, RFC3339, UTC)


def write_utc(moment: datetime) -> str:
    """``moment`` as ``2026-11-22T05:00:00Z``, to the second."""
    return moment.astimezone(UTC).strftime(RFC3339)


def _read(text: str, pattern: str, zone: tzinfo) -> datetime:
    match = _compiled(pattern).fullmatch(text)
    if match is None:
        raise Malformed(f"{text[:40]!a} is not a time written as {pattern}")
    parts = {"month": 1, "day": 1, **{name: int(digits) for name, digits in match.groupdict().items()}}
    try:
        return datetime(**parts, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{text[:40]!a} is not a time that exists") from error


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split("%([YmdHMS])", pattern)  # what stands between, and every second time a letter
    return re.compile(
        "".join(_DIGITS_OF[part] if place % 2 else re.escape(part) for place, part in enumerate(parts)),
        re.ASCII,
    )


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: From 2001 to 2286. Seconds and microseconds have other numbers of digits.
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{12}", re.ASCII)


def read_milliseconds(written: str) -> datetime | None:
    """The moment that ``written`` counts to; None for whatever is no count of milliseconds, so that nobody guesses."""
    return EPOCH + timedelta(milliseconds=int(written)) if _MILLISECONDS.fullmatch(written) else None


def write_milliseconds(moment: datetime) -> int:
    """``moment`` in whole milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
