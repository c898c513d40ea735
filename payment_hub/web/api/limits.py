"""How many requests a caller may send: per caller, and per address for whoever shows no valid key.

Counted in this process's memory: with several processes the true limit is that many times higher, and no shared store
can fail. Banks' callbacks are never counted: a flood from elsewhere must not keep a bank from telling us of money.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from flask import Flask, current_app, g, request
from werkzeug import Response

from payment_hub.domain.errors import QuotaExceeded

_KEY: Final = "payment_hub.limits"
WINDOW: Final = 60
"""Seconds of one window; all counts begin again with the next."""


@dataclass(slots=True)
class Limits:
    """The counts of one process in the present minute.

    A window that is thrown away whole needs no clean-up. Well-kept libraries start a timer thread for each hit to
    forget it again, which cost more than the rest of the request.
    """

    most: int
    window: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, name: str, who: str) -> None:
        """Count one request of ``who``. Raises QuotaExceeded when that was one too many."""
        window, passed = divmod(int(time.monotonic()), WINDOW)
        with self.lock:
            if window != self.window:
                self.window, self.counts = window, Counter()
            self.counts[who] += 1
            used = self.counts[who]
        g.quota = (name, self.most, max(0, self.most - used), WINDOW - passed)
        if used > self.most:
            raise QuotaExceeded(f"wait {WINDOW - passed} s")


def register_limits(app: Flask, requests_per_minute: int) -> None:
    """Hang fresh counts on the app."""
    app.extensions[_KEY] = Limits(requests_per_minute)


def charge_caller(name: str) -> None:
    """Count one request of a known caller. Raises QuotaExceeded."""
    _limits().charge("caller", f"caller {name}")


def charge_address() -> None:
    """Count one request of an address that shows no valid key. Raises QuotaExceeded."""
    _limits().charge("address", f"address {request.remote_addr}")


def tell_quota(answer: Response) -> None:
    """Say what is left, in the headers of draft-ietf-httpapi-ratelimit-headers."""
    quota = g.get("quota")
    if quota is not None:
        name, most, remaining, seconds = quota
        answer.headers["RateLimit-Policy"] = f'"{name}";q={most};w={WINDOW}'
        answer.headers["RateLimit"] = f'"{name}";r={remaining};t={seconds}'
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            answer.headers["Retry-After"] = str(seconds)


def _limits() -> Limits:
    limits: Limits = current_app.extensions[_KEY]
    return limits
