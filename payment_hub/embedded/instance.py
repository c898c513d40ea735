"""An instance: one folder with everything that one embedded hub keeps between two runs.

It lies outside the source tree, in a place that PostgreSQL's own OS user can reach when we are root:

    /var/lib/payment-hub                     root
    $XDG_STATE_HOME or ~/.local/state        every other user, in payment-hub/
    /var/tmp/payment-hub-<user id>           a user without a home that can be written

`HUB_EMBEDDED_HOME` names another place. Inside, each source tree has its own instances, and a second
`make run` beside a running one takes the next free number: neither data nor ports are ever shared.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from payment_hub.embedded.errors import EmbeddedError

SOURCES = Path(__file__).resolve().parents[2]
"""The folder of the source tree: where wsgi.py and pyproject.toml are."""


@dataclass(frozen=True)
class Instance:
    """The places in one instance's folder."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.folder / "postgres"

    @property
    def logs(self) -> Path:
        """One log for each process, of this run and of the one before."""
        return self.folder / "logs"

    @property
    def processes(self) -> Path:
        """supervisord's own files (mode 0700)."""
        return self.folder / "processes"

    @property
    def secrets(self) -> Path:
        """The secrets, made once (mode 0600)."""
        return self.folder / "secrets.json"

    @property
    def environment(self) -> Path:
        """The settings of the running hub as a shell reads them (mode 0600)."""
        return self.folder / "environment.sh"

    @property
    def ledger_drop(self) -> Path:
        """Where agencies put their ledgers."""
        return self.folder / "ledgers"

    @property
    def statement_drop(self) -> Path:
        """Where banks' daily files are put, in a folder for each."""
        return self.folder / "statements"

    @property
    def banks(self) -> Path:
        """The folder in which simulated banks keep their memory."""
        return self.folder / "banks"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"


@contextmanager
def claimed(name: str = "run") -> Iterator[Instance]:
    """Take the first instance of this name that is not in use; it is ours until the block ends.

    The claim is a file lock, so it also ends when we are killed.
    """
    place = home() / _name_of_sources()
    _make_passable(place)
    for number in count(1):
        folder = place / (name if number == 1 else f"{name}-{number}")
        _make_passable(folder)
        with (folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield _with_folders(Instance(folder))
            return


def home() -> Path:
    """The folder of all instances of this user, made if need be."""
    for place in _places():
        try:
            _make_passable(place)
        except OSError:
            continue
        if place.stat().st_uid == os.geteuid() and os.access(place, os.W_OK | os.X_OK):
            return place
    raise EmbeddedError("no folder for data can be written; name one in HUB_EMBEDDED_HOME")


def _places() -> Iterator[Path]:
    if chosen := os.environ.get("HUB_EMBEDDED_HOME"):
        yield Path(chosen).absolute()
        return
    if os.geteuid() == 0:
        yield Path("/var/lib/payment-hub")
    elif state := os.environ.get("XDG_STATE_HOME"):
        yield Path(state).absolute() / "payment-hub"
    elif own := os.environ.get("HOME"):
        yield Path(own).absolute() / ".local" / "state" / "payment-hub"
    yield Path(f"/var/tmp/payment-hub-{os.geteuid()}")  # noqa: S108 - its owner is checked


def _name_of_sources() -> str:
    """A short name for this source tree: readable, and different for every path."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", SOURCES.name).strip("-")[:20]
    return f"{readable}-{hashlib.sha256(os.fsencode(SOURCES)).hexdigest()[:8]}"


def _make_passable(folder: Path) -> None:
    """Make a folder that PostgreSQL's OS user may pass through, whatever the umask; leave an existing one."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)


def _with_folders(instance: Instance) -> Instance:
    for folder in (instance.logs, instance.ledger_drop, instance.statement_drop):
        folder.mkdir(mode=0o700, exist_ok=True)
    return instance
