"""How long an answer from outside is waited for: said by who asks, kept by who speaks HTTP, far below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_MOST: Final[ContextVar[int | None]] = ContextVar("most_seconds", default=None)


@contextmanager
def waiting_at_most(seconds: int | None) -> Iterator[None]:
    """Within the block no answer is waited for longer than this, nor than a block around it says; None says nothing."""
    known = [limit for limit in (_MOST.get(), seconds) if limit is not None]
    before = _MOST.set(min(known, default=None))
    try:
        yield
    finally:
        _MOST.reset(before)


def seconds_to_wait(usual: int) -> int:
    """How long to wait for an answer for which ``usual`` seconds are usual."""
    most = _MOST.get()
    return usual if most is None else min(usual, most)
