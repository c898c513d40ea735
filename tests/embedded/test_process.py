"""Processes under supervisord: replaced when they die, stopped with everything that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.process import Program, run_once, supervised
from tests.embedded.conftest import processes_under, wait_until_deserted

SLEEPS = "import time; print('up', flush=True); time.sleep(60)"

#: Ignores the signal to stop, and has a child of its own.
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("up", flush=True)
time.sleep(60)
"""


def python(folder: Path, code: str, *, stop_seconds: int = 5) -> Program:
    command = [sys.executable, "-c", code]
    return Program("child", command, folder=folder, log=folder / "child.log", stop_seconds=stop_seconds)


def wait_for(come_true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not come_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_up(program: Program) -> bool:
    return "up" in program.last_lines().splitlines()


@pytest.mark.parametrize("killed", ["owner", "supervisord", "both"])
@pytest.mark.parametrize("code", [SLEEPS, DEAF])
def test_no_process_outlives_a_killed_owner_or_supervisord(tmp_path: Path, code: str, killed: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    owner_code = f"""
import sys, time
from pathlib import Path
from payment_hub.embedded.process import Program, supervised
here = Path({str(folder)!r})
with supervised(Path({str(tmp_path / "processes")!r}), grace=0.5) as supervisor:
    program = Program("child", [sys.executable, "-c", {code!r}], folder=here, log=here / "log", stop_seconds=1)
    supervisor.start(program)
    while "up" not in program.last_lines().splitlines():
        time.sleep(0.02)
    print(supervisor.process.pid, flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", owner_code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        supervisord = int(owner.stdout.readline())
        wait_for(lambda: len(processes_under(folder)) == (2 if code is DEAF else 1))
        if killed != "owner":
            os.kill(supervisord, signal.SIGKILL)
        if killed != "supervisord":
            owner.kill()
        wait_until_deserted(folder)
        assert processes_under(folder) == []
        owner.kill()


def test_a_killed_program_is_replaced_and_its_children_end_with_it(tmp_path: Path) -> None:
    program = python(tmp_path, DEAF, stop_seconds=1)
    with supervised(tmp_path / "processes") as supervisor:  # itself and its reaper are two more processes
        supervisor.start(program)
        wait_for(lambda: is_up(program) and len(processes_under(tmp_path)) == 4)
        old = supervisor.pid("child")
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: supervisor.pid("child") not in {0, old} and len(processes_under(tmp_path)) == 4)
        supervisor.check()
    assert processes_under(tmp_path) == []


def test_a_program_that_does_not_stay_up_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    program = python(tmp_path, "print('I could not'); raise SystemExit(3)")
    with supervised(tmp_path / "processes") as supervisor:
        supervisor.start(program)
        wait_for(lambda: supervisor.pid("child") == 0 and "I could not" in program.last_lines())
        with pytest.raises(EmbeddedError, match=r"(?s)child does not stay up.*I could not"):
            supervisor.check(starting=True)
        supervisor.check()  # once the hub runs it is tried again, a few times


def test_a_program_that_does_not_stop_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    program = python(tmp_path, DEAF, stop_seconds=1)
    with supervised(tmp_path / "processes") as supervisor:
        supervisor.start(program)
        wait_for(lambda: is_up(program))
        supervisor.remove("child")
        wait_for(lambda: len(processes_under(tmp_path)) == 2)  # supervisord and its reaper
    assert processes_under(tmp_path) == []


def test_a_failed_command_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"(?s)child ended with exit code 3.*I could not"):
        run_once(python(tmp_path, "print('I could not'); raise SystemExit(3)"))
    with pytest.raises(EmbeddedError, match="child was ended by SIGKILL"):
        run_once(python(tmp_path, "import os; os.kill(os.getpid(), 9)"))


def test_the_environment_of_a_program_is_in_no_command_line_and_in_no_open_file(tmp_path: Path) -> None:
    code = "import os, time; print(os.environ['KEY'], flush=True); print('up', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]
    program = Program(
        "child", command, folder=tmp_path, log=tmp_path / "log", environment={"KEY": "sec\"r'e%t;\n#"}
    )
    with supervised(tmp_path / "processes") as supervisor:
        supervisor.start(program)
        wait_for(lambda: is_up(program))
        assert "sec\"r'e%t;\n#" in program.last_lines()
        for file in tmp_path.rglob("*"):
            assert file.is_dir() or file.stat().st_mode & 0o077 == 0, file
        for pid in processes_under(tmp_path):
            assert b"r'e%t" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_log_of_the_last_run_is_kept_beside_the_new_one_and_is_private(tmp_path: Path) -> None:
    run_once(python(tmp_path, "print('first')"))
    run_once(python(tmp_path, "print('second')"))
    assert (tmp_path / "child.log").read_text() == "second\n"
    assert (tmp_path / "child.previous.log").read_text() == "first\n"
    assert (tmp_path / "child.log").stat().st_mode & 0o077 == 0
