"""Becomes another program that ends when its owner ends. Run as a script; standard library only.

    python -I leash.py <owner pid> <signal number> <account or -> <program> [argument ...]

Between fork and exec three things have to be done that `subprocess` cannot do safely in a process with
threads: give up root, ask the kernel for a signal when the owner dies, and see that the owner did
not die before we asked. So a fresh interpreter does them and then turns into the program.

The order matters: Linux forgets the requested_bank for a signal when the user id changes.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Linux, `man 2 prctl`: send me this signal when the thread that started me ends."""


def _become(account: str) -> None:
    entry = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _end_with(owner: int, signal_number: int) -> None:
    if sys.platform != "linux":
        return  # elsewhere a killed owner leaves its children; the next start finds and says so
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != owner:
        sys.exit("the owner ended before its child began")


def main(owner: str, signal_number: str, account: str, *command: str) -> None:
    """Give up root if asked, tie our life to the owner's, become the program."""
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # our owner held some back until we were known
    if account != "-":
        _become(account)
    _end_with(int(owner), int(signal_number))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
