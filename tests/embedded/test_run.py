"""`python -m payment_hub.embedded run`, seen from outside."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.embedded import stand_in
from tests.embedded.conftest import processes_under


@dataclass
class Run:
    """A run of the command that has printed its addresses."""

    process: "subprocess.Popen[str]"
    printed: str

    def address(self, name: str) -> str:
        """What it printed beside a name."""
        found = re.search(rf"^  {name} +(.*?)(?:   .*)?$", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return found[1]

    def get(self, path: str) -> object:
        """The hub's answer."""
        return requests.get(self.address("hub") + path, timeout=5).json()


def test_two_hubs_live_side_by_side_survive_a_crash_and_end_when_a_process_ends(folder: Path) -> None:
    stand_in.build(folder / "source tree")
    with begun(folder) as first, begun(folder) as second:
        one, other = ready(first), ready(second)
        for name in ("hub", "bank", "simulators", "database", "broker", "ledgers", "logs"):
            assert one.address(name) != other.address(name)
        leave_a_note(one, "before the crash")
        leave_a_note(other, "elsewhere")
        secret = one.get("/health/ready")
        assert secret != other.get("/health/ready")

        kill_all(one)
        with begun(folder) as third:
            again = ready(third)
            assert again.get("/notes") == ["before the crash"]
            assert again.get("/health/ready") == secret
            third.send_signal(signal.SIGINT)
            assert third.wait(60) == 0
        assert other.get("/notes") == ["elsewhere"]

        os.kill(process_called("beat", second.pid), signal.SIGKILL)
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "error: beat was ended by SIGKILL" in errors
        assert f"--- {other.address('logs')}/beat.log" in errors
    assert processes_under(folder) == []
    assert list(folder.rglob("environment.sh")) == []


def test_a_hub_that_cannot_start_says_why_and_leaves_nothing(folder: Path) -> None:
    tree = stand_in.build(folder / "source tree")
    (tree / "wsgi.py").write_text("raise RuntimeError('a setting is missing')")
    with begun(folder) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "error: migrate ended with exit code 1" in errors
        assert "RuntimeError: a setting is missing" in errors
    assert processes_under(folder) == []


def test_a_hub_that_is_stopped_while_it_starts_leaves_nothing(folder: Path) -> None:
    stand_in.build(folder / "source tree")
    with begun(folder) as process:
        deadline = time.monotonic() + 30
        while not processes_under(folder / "home"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert processes_under(folder) == []


@contextmanager
def begun(folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """The command, running in the stand-in tree below this folder; killed if the test fails."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "BANK_", "PYTHON"))
    }
    with subprocess.Popen(
        [sys.executable, "-m", "payment_hub.embedded", "run"],
        cwd=folder / "source tree",
        env={**own, "HUB_EMBEDDED_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: "subprocess.Popen[str]") -> Run:
    """Wait until it has printed everything."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            return Run(process, printed)
    pytest.fail(f"{printed}\n{process.stderr.read() if process.stderr else ''}")


def leave_a_note(run: Run, words: str) -> None:
    """Send it all the way: from the web server through the broker and the worker to the database."""
    requests.post(f"{run.address('hub')}/notes/{words}", timeout=5)
    deadline = time.monotonic() + 30
    while run.get("/notes") != [words]:
        assert time.monotonic() < deadline, "the worker did nothing"
        time.sleep(0.05)


def kill_all(run: Run) -> None:
    """The command, its web server, worker, database ... all at once, as when the power fails."""
    for pid in [run.process.pid, *descendants(run.process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.process.wait()


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in children for found in (int(child), *descendants(int(child)))]


def process_called(word: str, owner: int) -> int:
    """The one descendant that has this word on its command line."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in descendants(owner)}
    (found,) = [pid for pid, command in commands.items() if word in command]
    return found
