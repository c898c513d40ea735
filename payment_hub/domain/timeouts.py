"""Time limits of calls to banks: set around the call, and read by the HTTP client far below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_MOST: Final[ContextVar[int | None]] = ContextVar("most_seconds", default=None)


@contextmanager
def waiting_at_most(seconds: int | None) -> Iterator[None]:
    """Within the block no call takes longer than this, nor than an outer block allows; None sets no limit."""
    limits = [limit for limit in (_MOST.get(), seconds) if limit is not None]
    before = _MOST.set(min(limits, default=None))
    try:
        yield
    finally:
        _MOST.reset(before)


def seconds_to_wait(usual: int) -> int:
    """The time limit, in seconds, of a call that usually may take ``usual`` seconds."""
    most = _MOST.get()
    return usual if most is None else min(usual, most)
