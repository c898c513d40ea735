"""Carries the banks' messages to the hub, byte for byte, again and again in each bank's own schedule."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bank_adapters.simulators.simulator import Delivery, SignedWhenSent, Simulator, WireReply, WireRequest

_SECONDS = 10
"""How long the hub may take for an answer."""


@dataclass(eq=False)
class _Pending:
    """One message on its way."""

    simulator: Simulator
    reference: str
    callback: WireRequest | SignedWhenSent
    due: float
    retries: tuple[float, ...]
    tries: int = 0


class CallbackSender(threading.Thread):
    """One thread for all banks. ``pace`` divides every wait."""

    def __init__(self, pace: float = 1.0) -> None:
        super().__init__(name="simulator-callbacks", daemon=True)
        self._pace, self._pending, self._stopped = pace, list[_Pending](), False
        self._changed = threading.Condition()

    def send(
        self,
        simulator: Simulator,
        reference: str,
        callbacks: Sequence[WireRequest | SignedWhenSent],
        *,
        after: float = 0,
        retries: tuple[float, ...] | None = None,
    ) -> None:
        """Send ``callbacks``, the first time after so many seconds, then by the bank's schedule or ``retries``."""
        due = time.monotonic() + after / self._pace
        waits = simulator.retries if retries is None else retries
        with self._changed:
            self._pending += [_Pending(simulator, reference, callback, due, waits) for callback in callbacks]
            self._changed.notify_all()

    def pending(self, simulator: Simulator | None = None, reference: str | None = None) -> int:
        """How many messages are on their way (of one bank, about one payment)."""
        with self._changed:
            return sum(
                simulator in (None, pending.simulator) and reference in (None, pending.reference)
                for pending in self._pending
            )

    def stop(self) -> None:
        """Finish the delivery under way and end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """Deliver what is due until `stop`."""
        while (pending := self._next()) is not None:
            callback = pending.callback
            request = callback if isinstance(callback, WireRequest) else callback.request(pending.tries)
            reply = send_request(request, pending.simulator.hub_url)
            accepted = _is_accepted(pending.simulator, reply)
            book = pending.simulator.book
            with book.lock:
                book.deliveries.append(Delivery(pending.reference, reply, accepted))
            again = not accepted and bool(pending.retries)
            if not again and not isinstance(callback, WireRequest):
                callback.settled()
            with self._changed:
                self._pending.remove(pending)
                if again:
                    pending.tries += 1
                    pending.due = time.monotonic() + pending.retries[0] / self._pace
                    pending.retries = pending.retries[1:]
                    self._pending.append(pending)

    def _next(self) -> _Pending | None:
        """The next message once it is due; None when we are stopped."""
        with self._changed:
            while not self._stopped:
                first = min(self._pending, key=lambda pending: pending.due, default=None)
                if first is not None and first.due <= time.monotonic():
                    return first
                self._changed.wait(None if first is None else first.due - time.monotonic())
        return None


def _is_accepted(simulator: Simulator, reply: WireReply) -> bool:
    """No answer, or one that the bank cannot read (a page of a server in front of the hub), is not accepted."""
    try:
        return reply.status != 0 and simulator.accepts(reply)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def send_request(request: WireRequest, base_url: str) -> WireReply:
    """Send ``request`` exactly as it is; a path that is no URL lies below ``base_url``. Status 0: none came."""
    url = request.path if "://" in request.path else base_url + request.path
    there = urlsplit(url)
    query = "&".join(filter(None, [there.query, request.query.decode("ascii")]))
    kind = http.client.HTTPSConnection if there.scheme == "https" else http.client.HTTPConnection
    connection = kind(there.netloc, timeout=_SECONDS)
    headers = {"content-type": "application/json", **request.headers} if request.body else request.headers
    try:
        connection.request(
            request.method, f"{there.path}?{query}" if query else there.path, request.body, headers
        )
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return WireReply(answer.status, answer.read(), named, named.get("content-type", ""))
    except (OSError, http.client.HTTPException):
        return WireReply(0)
    finally:
        connection.close()
