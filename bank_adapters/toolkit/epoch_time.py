"""Moments as some wallets write them: whole milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: From 2001 to 2286. Seconds and microseconds have other numbers of digits.
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{12}", re.ASCII)


def read_milliseconds(written: str) -> datetime | None:
    """The moment that ``written`` counts to; None for whatever is no count of milliseconds, so that nobody guesses."""
    return EPOCH + timedelta(milliseconds=int(written)) if _MILLISECONDS.fullmatch(written) else None


def write_milliseconds(moment: datetime) -> int:
    """``moment`` in whole milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
