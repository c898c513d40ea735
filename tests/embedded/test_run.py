"""`python -m payment_hub.embedded run`, seen from outside."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.embedded import stand_in
from tests.embedded.conftest import processes_under, wait_until_deserted

#: Words on the command line of each process.
PROCESSES = {
    "simulators": {"bank_adapters.simulators"},
    "worker": {"celery", "worker", "--concurrency", str(os.cpu_count() or 1)},
    "messenger": {"celery", "worker", "messenger@%h"},
    "beat": {"celery", "beat"},
    "web": {"granian"},
}


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

    def answers(self, path: str) -> bool:
        """Whether the hub answers at all."""
        try:
            return requests.get(self.address("hub") + path, timeout=5).ok
        except requests.ConnectionError:
            return False


def test_two_hubs_live_side_by_side_and_survive_a_crash(folder: Path) -> None:
    stand_in.build(folder / "source tree")
    with begun(folder) as first, begun(folder) as second:
        one, other = ready(first), ready(second)
        for name in ("hub", "simulators", "database", "broker", "ledgers", "logs"):
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
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
    assert processes_under(folder) == []
    assert list(folder.rglob("environment.sh")) == []


def test_every_process_that_is_killed_is_replaced(folder: Path) -> None:
    stand_in.build(folder / "source tree")
    with begun(folder) as process:
        hub = ready(process)
        for name, words in PROCESSES.items():
            began = time.monotonic()
            old = processes_with(words, process.pid)
            os.kill(old[0], signal.SIGKILL)
            if name == "web":  # its workers end with it
                wait_for(partial(all_ended, old))
            wait_for(partial(are_replaced, old, words, process.pid))
            assert time.monotonic() - began < 8, name
        web = processes_with(PROCESSES["web"], process.pid)
        workers = children(web[0])
        killed = max(workers)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: len(children(web[0])) == len(workers) and killed not in children(web[0]))
        wait_for(lambda: hub.answers("/health/ready"))
        leave_a_note(hub, "after all that")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert_nothing_serves(hub)


def test_when_the_command_is_killed_nothing_goes_on_serving(folder: Path) -> None:
    stand_in.build(folder / "source tree")
    with begun(folder) as process:
        hub = ready(process)
        process.kill()
        process.wait()
        wait_until_deserted(folder, 30)
        assert processes_under(folder) == []
        assert_nothing_serves(hub)


def test_a_process_that_ends_again_and_again_ends_the_hub_with_its_log(folder: Path) -> None:
    tree = stand_in.build(folder / "source tree")
    with begun(folder) as process:
        hub = ready(process)
        (tree / "bank_adapters" / "simulators" / "__main__.py").write_text(
            "raise RuntimeError('it is broken')"
        )
        os.kill(processes_with(PROCESSES["simulators"], process.pid)[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "error: simulators does not stay up" in errors
        assert f"--- {hub.address('logs')}/simulators.log" in errors
        assert "RuntimeError: it is broken" in errors
    assert processes_under(folder) == []


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


def children(pid: int) -> list[int]:
    """The children of a process; none if it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    return [member for child in children(pid) for member in (child, *descendants(child))]


def processes_with(words: set[str], owner: int) -> list[int]:
    """The descendants that have all these words on their command line, parents first."""
    found = []
    for pid in descendants(owner):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            if words <= set(Path(f"/proc/{pid}/cmdline").read_text().split("\0")):
                found.append(pid)
    return found


def all_ended(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def are_replaced(old: list[int], words: set[str], owner: int) -> bool:
    """Whether as many processes as before run again, without the first of them."""
    return len({*processes_with(words, owner)} - {old[0]}) >= len(old)


def wait_for(come_true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not come_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_nothing_serves(run: Run) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(run.address("hub"), timeout=5)
