"""One child process: started on a leash, heard through its log, stopped with patience."""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from payment_hub.embedded.errors import EmbeddedError

LEASH = Path(__file__).with_name("leash.py")
WARDEN = Path(__file__).with_name("warden.py")
BARE_PYTHON = [sys.executable, "-I", "-S"]
"""For scripts of the standard library alone: the caller's PYTHON* settings are none of their business."""

LINES_SHOWN = 40


@dataclass(frozen=True)
class Plan:
    """How a child is to be run: everything but the moment.

    `stop_signal` is sent to stop it, and by the kernel when we die; `patience` is how many seconds it
    then gets before its whole process group is killed. `account` is the OS user to run as, None for ours.
    `told` is written to its standard input, where secrets are not seen by `ps`.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str] | None = None
    account: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 15.0
    told: bytes = b""


@dataclass(frozen=True)
class Child:
    """A running child."""

    plan: Plan
    process: "subprocess.Popen[bytes]"

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def check_alive(self) -> None:
        """Raise `EmbeddedError`, with the end of the child's log, if it has ended."""
        if not self.alive:
            raise EmbeddedError(f"{self.plan.name} {self._cause()}\n{self.last_words()}")

    def last_words(self) -> str:
        """The last lines of its log, under the log's path."""
        lines = self.plan.log.read_text(errors="replace").splitlines()[-LINES_SHOWN:]
        return "\n".join([f"--- {self.plan.log}", *lines, "---"])

    def _cause(self) -> str:
        code = self.process.returncode
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def stop(self) -> None:
        """Ask it to stop, wait, and leave nothing of its process group behind."""
        if self.alive:
            self.process.send_signal(self.plan.stop_signal)
        try:
            self.process.wait(self.plan.patience)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self.process.wait()
        self._kill_group()  # whatever the child started and did not end itself
        _tell_warden(self, "ended")

    def _kill_group(self) -> None:
        # The child leads its own session, so its pid names the group. macOS answers EPERM for zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def start(plan: Plan) -> Child:
    """Start a child in a session of its own, so that Ctrl-C at the terminal reaches only its owner."""
    child = None
    try:
        with _fresh_log(plan.log) as log, _signals_held():
            child = Child(plan, _begin(plan, log))
            _tell_warden(child, f"{int(plan.stop_signal)} {plan.patience}")
        channel = child.process.stdin
        if channel is not None:
            with suppress(BrokenPipeError), channel:  # it may be dead already; its log says why
                channel.write(plan.told)
    except BaseException:  # an interruption comes when the signals are let go
        if child is not None:
            child.stop()
        raise
    return child


def _begin(plan: Plan, log: BinaryIO) -> "subprocess.Popen[bytes]":
    owner, stop_signal, account = str(os.getpid()), str(int(plan.stop_signal)), plan.account or "-"
    return subprocess.Popen(
        [*BARE_PYTHON, str(LEASH), owner, stop_signal, account, *plan.command],
        cwd=plan.folder,
        env=plan.environment,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def run(plan: Plan) -> None:
    """Run a command to its end; raise `EmbeddedError` with its output if it fails."""
    child = start(plan)
    try:
        child.process.wait()
    finally:
        child.stop()
    if child.process.returncode != 0:
        child.check_alive()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Nothing interrupts us between a child's beginning and the warden's knowledge of it.

    A child inherits what is held; leash.py lets it go.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tell_warden(child: Child, word: str) -> None:
    warden = _warden()
    if warden.stdin is not None:
        warden.stdin.write(f"{child.process.pid} {word}\n".encode())
        warden.stdin.flush()


@cache
def _warden() -> "subprocess.Popen[bytes]":
    """The one warden of this process. It ends when we do, however we do; if we can, we wait for it."""
    warden = subprocess.Popen([*BARE_PYTHON, str(WARDEN)], stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(warden.communicate)
    return warden


def _fresh_log(log: Path) -> BinaryIO:
    """Open a log for writing; the log of the last run stays beside it, for one run."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))
    log.touch(mode=0o600)
    return log.open("wb")
