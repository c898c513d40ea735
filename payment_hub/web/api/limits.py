"""How many requests a caller may send in a minute: by caller, and by address for a request without a valid key.

All processes count together in Redis or Valkey. While that store is away, or where there is none, each process counts
its own, so that the true limit is as many times higher: no request is refused, and none waits, for want of a count.
Banks' callbacks are never counted: a flood from elsewhere must not keep a bank from reporting money.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from flask import Flask, current_app, g, request
from limits.errors import StorageError
from limits.storage import RedisStorage
from werkzeug import Response

from payment_hub.domain.errors import QuotaExceeded

log: Final = logging.getLogger(__name__)

WINDOW: Final = 60
"""Seconds of one window; all counts begin again with the next."""

#: A store that does not answer in this time is left alone for a while.
_SECONDS_TO_ANSWER: Final = 0.1
_PAUSE_SECONDS: Final = 10

_KEY: Final = "payment_hub.limits"


@dataclass(slots=True)
class LocalCounts:
    """The counts of one process in the present window, which are thrown away whole with it."""

    window: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, window: int, name: str) -> int:
        """Count one request; how many there are now."""
        with self.lock:
            if window != self.window:
                self.window, self.counts = window, Counter()
            self.counts[name] += 1
            return self.counts[name]


@dataclass(slots=True)
class SharedCounts:
    """The counts of all processes; those of this process while the store is away."""

    store: RedisStorage
    local: LocalCounts = field(default_factory=LocalCounts)
    away_until: float = 0.0

    def add(self, window: int, name: str) -> int:
        """Count one request; how many there are now."""
        alone = self.local.add(window, name)
        if time.monotonic() < self.away_until:
            return alone
        try:
            return self.store.incr(f"{name} {window}", 2 * WINDOW)
        except StorageError:
            self.away_until = time.monotonic() + _PAUSE_SECONDS
            log.warning("request_counts_not_shared", exc_info=True)
            return alone


def register_limits(app: Flask, requests_per_minute: int, store_url: str | None) -> None:
    """Let the app count its requests, together with the other processes where ``store_url`` names a store."""
    counts: LocalCounts | SharedCounts = LocalCounts()
    if store_url is not None:
        store = RedisStorage(
            store_url,
            key_prefix="hub",
            wrap_exceptions=True,
            socket_timeout=_SECONDS_TO_ANSWER,
            socket_connect_timeout=_SECONDS_TO_ANSWER,
        )
        counts = SharedCounts(store)
    app.extensions[_KEY] = (counts, requests_per_minute)


def charge_caller(name: str) -> None:
    """Count one request of an identified caller. Raises QuotaExceeded."""
    _charge("caller", f"caller {name}")


def charge_address() -> None:
    """Count one request of an address without a valid key. Raises QuotaExceeded."""
    _charge("address", f"address {request.remote_addr}")


def add_quota_headers(response: Response) -> None:
    """What remains, in the headers of draft-ietf-httpapi-ratelimit-headers."""
    quota = g.get("quota")
    if quota is not None:
        policy, limit, remaining, seconds = quota
        response.headers["RateLimit-Policy"] = f'"{policy}";q={limit};w={WINDOW}'
        response.headers["RateLimit"] = f'"{policy}";r={remaining};t={seconds}'
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.headers["Retry-After"] = str(seconds)


def _charge(policy: str, name: str) -> None:
    counts, limit = current_app.extensions[_KEY]
    window, passed = divmod(int(time.time()), WINDOW)
    used = counts.add(window, name)
    g.quota = (policy, limit, max(0, limit - used), WINDOW - passed)
    if used > limit:
        raise QuotaExceeded(f"wait {WINDOW - passed} s")
