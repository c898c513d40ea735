"""A lean load generator: kept connections, one request under way on each, everything prepared before the clock starts.

It shares the machine with what it measures, so it does as little as it can for each request.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of a load: seconds for all, seconds of each, and how often each status was answered."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which ``share`` of all requests were answered."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


@dataclass
class _Client:
    connection: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


def load(port: int, requests: Sequence[bytes], clients: int = 16) -> Load:
    """Send all requests through ``clients`` connections to this machine, and wait for every answer."""
    waiting = iter(requests)
    result, selector = Load(), selectors.DefaultSelector()
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, _Client(connection))
    began = time.perf_counter()
    busy = sum(_send_next(key.data, waiting) for key in list(selector.get_map().values()))
    while busy:
        for key, _ in selector.select():
            client: _Client = key.data
            if _answered(client, result) and not _send_next(client, waiting):
                busy -= 1
    result.seconds = time.perf_counter() - began
    for key in list(selector.get_map().values()):
        key.data.connection.close()
    selector.close()
    return result


def _send_next(client: _Client, waiting: Iterator[bytes]) -> bool:
    request = next(waiting, None)
    if request is None:
        return False
    client.received = b""
    client.sent_at = time.perf_counter()
    client.connection.sendall(request)
    return True


def _answered(client: _Client, result: Load) -> bool:
    """Whether the whole answer is here; then it is counted."""
    part = client.connection.recv(65536)
    if not part:
        raise ConnectionError("the server hung up")
    client.received += part
    head, separator, body = client.received.partition(b"\r\n\r\n")
    if not separator or len(body) < _length(head):
        return False
    result.latencies.append(time.perf_counter() - client.sent_at)
    result.statuses[int(head[9:12])] += 1
    return True


def _length(head: bytes) -> int:
    lower = head.lower()
    if lower.startswith((b"http/1.1 204", b"http/1.0 204")):
        return 0  # an answer without a body says no length
    start = lower.index(b"content-length:") + 15
    return int(lower[start:].split(b"\r\n", 1)[0])
