"""Moments as banks write them: Vietnamese wall-clock time (UTC+7, no summer time) or UTC; always aware UTC on
our side.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from payment_hub.domain.errors import Malformed

VIETNAM: Final = timezone(timedelta(hours=7), "UTC+7")

COMPACT: Final = "%Y%m%d%H%M%S"
RFC3339: Final = "%Y-%m-%dT%H:%M:%SZ"

_DIGITS_OF: Final = {
    "%Y": "[0-9]{4}",
    "%m": "[0-9]{2}",
    "%d": "[0-9]{2}",
    "%H": "[0-9]{2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
}


def read_vietnam_time(text: str, pattern: str = COMPACT) -> datetime:
    """Read wall-clock ``text`` exactly as ``pattern`` (of %Y %m %d %H %M %S, all padded) says.

    Raises Malformed.
    """
    return _read(text, pattern, VIETNAM)


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
    strict = re.sub("%[YmdHMS]", lambda part: _DIGITS_OF[part[0]], re.escape(pattern))
    if not re.fullmatch(strict, text, re.ASCII):
        raise Malformed(f"{text[:40]!a} is not a time written as {pattern}")
    try:
        return datetime.strptime(text, pattern).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{text[:40]!a} is not a time that exists") from error
