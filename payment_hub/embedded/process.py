"""Processes under supervisord: started one by one, replaced when they die, stopped in the opposite order.

supervisord is a child of ours in a session of its own, so that Ctrl-C at the terminal reaches only us. It ends when we
end, however we end, and so do its programs (parent_death.py, reaper.py).
"""

import hashlib
import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from supervisor.xmlrpc import SupervisorTransport

from payment_hub.embedded import reaper
from payment_hub.embedded.environment import write_private
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.os_user import hand_over

PARENT_DEATH = Path(__file__).with_name("parent_death.py")
REAPER = Path(__file__).with_name("reaper.py")
BARE_PYTHON = [sys.executable, "-I", "-S"]
"""For scripts of the standard library alone: the caller's PYTHON* settings do not concern them."""

LINES_SHOWN = 40
SECONDS_TO_START = 30

CONFIG = """
[supervisord]
nodaemon = true
logfile = supervisord.log
pidfile = supervisord.pid
umask = 077
[unix_http_server]
file = {socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[eventlistener:reaper]
command = {reaper}
events = PROCESS_STATE_EXITED,PROCESS_STATE_STOPPED,PROCESS_STATE_BACKOFF,PROCESS_STATE_FATAL
stderr_logfile = reaper.log
"""

PROGRAM = """
[program:{name}]
command = {command}
priority = {priority}
autorestart = true
startsecs = 2
startretries = 5
stopsignal = {stop_signal}
stopwaitsecs = {stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 50MB
stdout_logfile_backups = 1
"""
"""A program that ends is started again at once; one that ends within `startsecs`, after 1, 2, 3, 4 and 5 seconds, and
then no more."""


@dataclass(frozen=True)
class Program:
    """How a process is to be run.

    `stop_signal` is sent to stop it, by the kernel too when supervisord dies; `stop_seconds` later its whole process
    group is killed. `user` is the OS user to run as, None for ours. `environment` is ours if None.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str] | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: int = 15

    def last_lines(self) -> str:
        """The last lines of its log, under the log's path."""
        return _last_lines(self.log)


class Supervisor:
    """A running supervisord and the programs that it was given. For one thread."""

    def __init__(self, folder: Path, socket: Path, *, grace: float) -> None:
        """Start supervisord, whose files are in `folder`. `grace` is the time in seconds that programs have to end
        after supervisord was killed."""
        self._folder = folder
        self._programs: dict[str, Program] = {}
        self._first_pids: dict[str, int] = {}
        self._config = CONFIG.format(
            socket=_escaped(str(socket)), reaper=_command([*BARE_PYTHON, str(REAPER), str(grace)])
        )
        self._write_config()
        command = [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", "supervisord.conf"]
        program = Program("supervisord", command, folder=folder, log=folder / "supervisord.log")
        self.process = subprocess.Popen(
            _launch(program, folder, parent=os.getpid()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # The host is never resolved: the transport connects to the socket.
        self._transport = SupervisorTransport(None, None, f"unix://{socket}")
        self._server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=self._transport)

    def wait_until_up(self) -> None:
        """Wait until supervisord answers. Raises EmbeddedError."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self._server.supervisor.getState()
            except (OSError, http.client.HTTPException) as error:
                self._transport.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise self._failure("supervisord does not start") from error
                time.sleep(0.02)
            else:
                return

    def start(self, program: Program) -> None:
        """Start a program, without waiting for anything that it does."""
        _rotate(program.log)
        self._programs[program.name] = program
        self._write_config()
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)

    def pid(self, name: str) -> int:
        """The process id of a program; 0 while it does not run."""
        return int(self._call("getProcessInfo", name)["pid"])

    def check(self, *, starting: bool = False) -> None:
        """Raise EmbeddedError, with the end of its log, if a program does not stay up.

        With `starting`, if one has ended even once.
        """
        for info in self._call("getAllProcessInfo"):
            name, pid = info["name"], info["pid"]
            if name not in self._programs:
                continue
            first = self._first_pids.setdefault(name, pid) if pid else self._first_pids.get(name, 0)
            ended = info["statename"] in {"BACKOFF", "EXITED"} or (first and pid != first)
            if info["statename"] == "FATAL" or (starting and ended):
                raise EmbeddedError(f"{name} does not stay up\n{self._programs[name].last_lines()}")

    def remove(self, name: str) -> None:
        """Stop a program and forget it."""
        self._stop(self._programs[name])
        self._call("removeProcessGroup", name)
        del self._programs[name]
        self._first_pids.pop(name, None)

    def close(self) -> None:
        """Stop all programs, the last one first, then supervisord, and leave nothing behind."""
        try:
            for program in reversed(self._programs.values()):
                self._stop(program)
            self._call("shutdown")
        except EmbeddedError:  # supervisord was killed: its programs are ending, and the reaper sees to it
            self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_START)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        while members := reaper.session_members(self.process.pid):
            if self.process.returncode == 0:
                reaper.kill_session(self.process.pid)
            time.sleep(0.02)
            del members
        self._transport.close()

    def _stop(self, program: Program) -> None:
        with suppress(xmlrpc.client.Fault):  # it does not run
            self._call("stopProcess", program.name, False)
        deadline = time.monotonic() + program.stop_seconds + SECONDS_TO_START
        while self.pid(program.name):
            if time.monotonic() > deadline:
                raise self._failure(f"{program.name} does not stop")
            time.sleep(0.02)

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise self._failure("supervisord has ended") from error

    def _failure(self, what: str) -> EmbeddedError:
        return EmbeddedError(f"{what}\n{_last_lines(self._folder / 'supervisord.log')}")

    def _write_config(self) -> None:
        sections = [
            PROGRAM.format(
                name=program.name,
                command=_command(_launch(program, self._folder, parent=self.process.pid)),
                priority=number,
                stop_signal=program.stop_signal.name.removeprefix("SIG"),
                stop_seconds=program.stop_seconds,
                log=_escaped(str(program.log)),
            )
            for number, program in enumerate(self._programs.values(), 1)
        ]
        write_private(self._folder / "supervisord.conf", self._config + "".join(sections))


@contextmanager
def supervised(folder: Path, *, grace: float = 20) -> Iterator[Supervisor]:
    """A supervisord for the block, whose own files are in `folder`. Raises EmbeddedError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket_folder = fresh_socket_folder(folder, None)
    supervisor = Supervisor(folder, socket_folder / "supervisord.sock", grace=grace)
    try:
        supervisor.wait_until_up()
        yield supervisor
    finally:
        supervisor.close()
        shutil.rmtree(socket_folder)


def run_once(program: Program) -> None:
    """Run a command to its end. Raises EmbeddedError, with the end of its output, if it fails."""
    _rotate(program.log)
    folder = program.log.parent
    with _open_private(program.log) as log:
        process = subprocess.Popen(
            _launch(program, folder, parent=os.getpid()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = process.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # it and whatever it started and did not end
        process.wait()
        _launch_file(program, folder).unlink()
    if code != 0:
        cause = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise EmbeddedError(f"{program.name} {cause}\n{program.last_lines()}")


def fresh_socket_folder(place: Path, owner: str | None) -> Path:
    """An empty folder with a short path that only `owner` (an OS user; None: ours) may enter; the same every time.

    A socket's path may have 107 bytes.
    """
    folder = Path("/tmp") / f"payment-hub-{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}"  # noqa: S108
    shutil.rmtree(folder, ignore_errors=True)  # what a crash left
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise EmbeddedError(f"{folder} belongs to another user; remove it") from error
    hand_over(folder, owner)
    return folder


def _launch(program: Program, folder: Path, *, parent: int) -> list[str]:
    """The command by which the program is started, tied to the life of `parent`."""
    file = _launch_file(program, folder)
    launch = {
        "command": list(program.command),
        "folder": str(program.folder),
        "environment": dict(os.environ if program.environment is None else program.environment),
        "user": program.user,
        "stop_signal": int(program.stop_signal),
    }
    write_private(file, json.dumps(launch))
    return [*BARE_PYTHON, str(PARENT_DEATH), str(parent), str(file)]


def _launch_file(program: Program, folder: Path) -> Path:
    return folder / f"{program.name}.launch.json"


def _command(arguments: Sequence[str]) -> str:
    return _escaped(shlex.join(arguments))


def _escaped(text: str) -> str:
    """supervisord reads its options as an ini file does."""
    return text.replace("%", "%%")


def _rotate(log: Path) -> None:
    """Make room for a new log; the one of the last run stays beside it, for one run."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LINES_SHOWN:] if log.exists() else []
    return "\n".join([f"--- {log}", *lines, "---"])


def _open_private(file: Path) -> BinaryIO:
    file.touch(mode=0o600)
    return file.open("wb")
