"""Kills the processes that a dead program left behind. supervisord runs it as an event listener; standard library only.

    python -I -S reaper.py <seconds>

A web server or a worker that is killed leaves its own children, which hold its port or its tasks. supervisord signals
only the program itself, so every report of a program's end is answered by killing the process groups that have lost
their leader. When supervisord itself is killed, the kernel asks each program to stop (parent_death.py); what is still
there after so many seconds is killed.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path


def main(seconds: str) -> None:
    """Answer supervisord's events until it is gone; then clear up."""
    _write("READY\n")
    while header := sys.stdin.readline():
        fields = dict(field.split(":", 1) for field in header.split())
        sys.stdin.read(int(fields["len"]))
        kill_leaderless_groups(os.getsid(0))
        _write("RESULT 2\nOKREADY\n")
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline and session_members(os.getsid(0)) != {os.getpid(): os.getpgid(0)}:
        kill_leaderless_groups(os.getsid(0))
        time.sleep(0.05)
    kill_session(os.getsid(0))


def session_members(session: int) -> dict[int, int]:
    """Process group by pid of everything in this session; empty where the system has no /proc."""
    members = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):  # ended meanwhile
            if os.getsid(int(place.name)) == session:
                members[int(place.name)] = os.getpgid(int(place.name))
    return members


def kill_leaderless_groups(session: int) -> None:
    """Kill every process group of this session whose first process has ended."""
    members = session_members(session)
    for group in {group for group in members.values() if group not in members}:
        _kill_group(group)


def kill_session(session: int) -> None:
    """Kill everything in this session but ourselves."""
    for group in {group for pid, group in session_members(session).items() if pid != os.getpid()}:
        _kill_group(group)


def _kill_group(group: int) -> None:
    # macOS answers EPERM for zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
