"""Places for servers, and a way to see who is still there."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name has a space, a comma and a quote in it, and is too long for a socket.

    Other accounts may pass through it; pytest's own are closed, and root's PostgreSQL is not root.
    """
    outer = Path(tempfile.mkdtemp(prefix="hub-test-", dir="/tmp"))
    outer.chmod(0o711)
    inner = outer / f"a place, it's {'long ' * 20}"
    inner.mkdir(mode=0o711)
    yield inner
    wait_until_deserted(outer)  # a failed test may have left somebody who is about to end
    shutil.rmtree(outer)


def processes_under(folder: Path) -> list[int]:
    """Who works in this folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


def wait_until_deserted(folder: Path, seconds: float = 10) -> None:
    """Until nobody works in the folder, or the time is up."""
    deadline = time.monotonic() + seconds
    while processes_under(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
