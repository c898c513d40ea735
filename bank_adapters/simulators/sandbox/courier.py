"""Carries the bank's messages to the hub, again and again until they are answered with 2xx or the ladder
ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import requests

from bank_adapters.simulators.sandbox.book import Book, Message
from bank_adapters.simulators.sandbox.signing import signed_headers


class Courier(threading.Thread):
    """One thread that sends what is owed and due."""

    def __init__(
        self, book: Book, key: bytes, now: Callable[[], datetime], retry_seconds: Sequence[float]
    ) -> None:
        super().__init__(name="sandbox-courier", daemon=True)
        self._book, self._key, self._now, self._retry_seconds = (book, key, now, tuple(retry_seconds))
        self._wake, self._stopped = threading.Event(), False
        self._session = requests.Session()
        self._session.trust_env = False

    def wake(self) -> None:
        """Look again: something may be due."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the delivery under way and end."""
        self._stopped = True
        self._wake.set()
        if self.is_alive():
            self.join()
        self._session.close()

    def run(self) -> None:
        """Deliver what is due until somebody stops us."""
        while not self._stopped:
            self._wake.clear()
            message = self._next()
            wait = 0.5 if message is None else message.due - time.time()
            if message is None or wait > 0:
                self._wake.wait(min(wait, 0.5))
            else:
                self._deliver(message)

    def _next(self) -> Message | None:
        with self._book.lock:
            owed = list(self._book.unsettled.values())
        return min(owed, key=lambda message: message.due, default=None)

    def _deliver(self, message: Message) -> None:
        forged = message.forged_first and message.tries == 0
        status = self._post(message, b"not the shared secret" if forged else self._key)
        answered = sum(200 <= one < 300 for one in [*message.statuses, status])
        left = self._retry_seconds[message.tries :]
        enough = answered >= message.sends or not left
        due = time.time() + (left[0] if left and not 200 <= status < 300 else 0)
        self._book.write("tried", message_id=message.message_id, status=status, due=due, settled=enough)

    def _post(self, message: Message, key: bytes) -> int:
        body = message.body.encode()
        headers = signed_headers(key, message.message_id, int(self._now().timestamp()), body)
        headers["Content-Type"] = "application/json"
        try:
            return self._session.post(
                message.url, data=body, headers=headers, timeout=10, allow_redirects=False
            ).status_code
        except requests.RequestException:
            return 0  # no answer: the ladder decides when to try again
