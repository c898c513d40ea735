"""Sees to it that nothing is left of the children of a killed owner. Run as a script; standard library only.

Its owner tells it `<process group> <signal> <seconds of patience>` for every child that begins, and
`<process group> ended` for every child that is gone. When the input ends, so has the owner: whoever is
left gets its signal, and is killed with its whole group when its patience is over. The kernel's signal
(see leash.py) comes sooner, but a child may be deaf to it, or leave children of its own behind.
"""

import os
import signal
import sys
import time


def main() -> None:
    """Listen as long as the owner lives; then clear up."""
    left: dict[int, tuple[int, float]] = {}
    for line in sys.stdin:
        group, *rest = line.split()
        if rest == ["ended"]:
            left.pop(int(group), None)
        else:
            left[int(group)] = int(rest[0]), float(rest[1])
    for group, (stop_signal, _) in left.items():
        _send(group, stop_signal)
    began = time.monotonic()
    while left := {group: what for group, what in left.items() if _send(group, 0)}:
        for group in [group for group, (_, patience) in left.items() if time.monotonic() > began + patience]:
            _send(group, signal.SIGKILL)
            del left[group]
        time.sleep(0.05)


def _send(group: int, number: int) -> bool:
    """Send a signal to a group (0: none, only look); whether the group was there."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
