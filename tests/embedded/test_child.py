"""Child processes: on a leash, heard, and stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from payment_hub.embedded.child import Plan, run, start
from payment_hub.embedded.errors import EmbeddedError
from tests.embedded.conftest import processes_under, wait_until_deserted


def python(folder: Path, program: str, *, patience: float = 5) -> Plan:
    """A child that runs this program."""
    return Plan(
        "child", [sys.executable, "-c", program], folder=folder, log=folder / "child.log", patience=patience
    )


DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("deaf", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("program", ["import time; print('deaf', flush=True); time.sleep(60)", DEAF])
def test_no_child_outlives_a_killed_owner(tmp_path: Path, program: str) -> None:
    owner_program = f"""
import sys, time
from pathlib import Path
from payment_hub.embedded.child import Plan, start
here = Path({str(tmp_path)!r})
child = start(Plan("child", [sys.executable, "-c", {program!r}], folder=here, log=here / "log", patience=0.2))
while "deaf" not in child.last_words():
    time.sleep(0.02)
print("started", flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", owner_program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "started\n"
        assert len(processes_under(tmp_path)) == (2 if program is DEAF else 1)
        owner.kill()
    wait_until_deserted(tmp_path, 5)
    assert processes_under(tmp_path) == []


def test_who_does_not_listen_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    child = start(python(tmp_path, DEAF, patience=0.2))
    while "deaf" not in child.last_words():
        time.sleep(0.02)
    assert len(processes_under(tmp_path)) == 2
    child.stop()
    wait_until_deserted(tmp_path)
    assert processes_under(tmp_path) == []
    assert child.process.returncode == -signal.SIGKILL


def test_a_failed_command_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"(?s)child ended with exit code 3.*I could not"):
        run(python(tmp_path, "print('I could not'); raise SystemExit(3)"))


def test_what_a_child_is_told_is_not_on_its_command_line(tmp_path: Path) -> None:
    plan = python(tmp_path, "import sys; print(sys.stdin.read()[::-1])")
    run(Plan(plan.name, plan.command, folder=tmp_path, log=plan.log, told=b"terces"))
    assert "secret" in plan.log.read_text()
    assert not any("terces" in part for part in plan.command)


def test_the_log_of_the_last_run_is_kept_beside_the_new_one_and_is_private(tmp_path: Path) -> None:
    run(python(tmp_path, "print('first')"))
    run(python(tmp_path, "print('second')"))
    assert (tmp_path / "child.log").read_text() == "second\n"
    assert (tmp_path / "child.previous.log").read_text() == "first\n"
    assert (tmp_path / "child.log").stat().st_mode & 0o077 == 0
