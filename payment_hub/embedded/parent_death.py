"""Becomes another program that ends when the process that started it ends. Run as a script; standard library only.

    python -I -S parent_death.py <parent's pid> <launch file>

supervisord does not do this: a program that it started outlives it when it is killed. Three things have to happen
between fork and exec: give up root, ask the kernel for a signal when the parent dies, and see that the parent did not
die before. The order matters: Linux drops the request for that signal when the user id changes.

The launch file is JSON, readable by its owner alone, because the environment holds secrets:
``{"command": [...], "folder": ..., "environment": {...}, "user": name or null, "stop_signal": number}``.
"""

import ctypes
import json
import os
import pwd
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""Linux, `man 2 prctl`: send me this signal when the thread that started me ends."""


def main(parent: str, launch_file: str) -> None:
    """Give up root if requested, tie our life to the parent's, become the program."""
    launch = json.loads(Path(launch_file).read_text("utf-8"))
    os.umask(0o077)
    if launch["user"] is not None:
        entry = pwd.getpwnam(launch["user"])
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":  # elsewhere a killed parent leaves its programs; the next start reports them
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, launch["stop_signal"], 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != int(parent):
            sys.exit("the parent ended before its program began")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir(launch["folder"])
    os.execve(launch["command"][0], launch["command"], launch["environment"])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
