"""How many requests a caller may send: per caller, and per address for whoever shows no valid key.

Counted in this process's memory: with several processes the true limit is that many times higher, and no shared store
can fail. Banks' callbacks are never counted: a flood from elsewhere must not keep a bank from telling us of money.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Flask, current_app, g, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug import Response

from payment_hub.domain.errors import QuotaExceeded

_KEY: Final = "payment_hub.limits"


@dataclass(frozen=True, slots=True)
class Limits:
    """The counters of one process."""

    limiter: FixedWindowRateLimiter
    caller: RateLimitItem
    address: RateLimitItem

    def charge(self, item: RateLimitItem, name: str, who: str) -> None:
        """Count one request of ``who``. Raises QuotaExceeded when that was one too many."""
        allowed = self.limiter.hit(item, who)
        window = self.limiter.get_window_stats(item, who)
        seconds = max(1, int(window.reset_time - time.time()) + 1)
        g.quota = (name, item, window.remaining, seconds)
        if not allowed:
            raise QuotaExceeded(f"wait {seconds} s")


def hang_limits(app: Flask, requests_per_minute: int) -> None:
    """Hang fresh counters on the app."""
    item = RateLimitItemPerMinute(requests_per_minute)
    app.extensions[_KEY] = Limits(FixedWindowRateLimiter(MemoryStorage()), item, item)


def charge_caller(name: str) -> None:
    """Count one request of a known caller. Raises QuotaExceeded."""
    limits = _limits()
    limits.charge(limits.caller, "caller", f"caller {name}")


def charge_address() -> None:
    """Count one request of an address that shows no valid key. Raises QuotaExceeded."""
    limits = _limits()
    limits.charge(limits.address, "address", f"address {request.remote_addr}")


def tell_quota(answer: Response) -> None:
    """Say what is left, in the headers of draft-ietf-httpapi-ratelimit-headers."""
    quota = g.get("quota")
    if quota is not None:
        name, item, remaining, seconds = quota
        answer.headers["RateLimit-Policy"] = f'"{name}";q={item.amount};w={item.get_expiry()}'
        answer.headers["RateLimit"] = f'"{name}";r={remaining};t={seconds}'
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            answer.headers["Retry-After"] = str(seconds)


def _limits() -> Limits:
    limits: Limits = current_app.extensions[_KEY]
    return limits
