"""Loopback ports that two hubs never choose at the same moment."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from payment_hub.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
ANY = 0
TRIES = 20


@contextmanager
def reserved_port(*candidates: int) -> Iterator[int]:
    """The first of the candidates that is free (`ANY`: whichever the system gives), ours for the block.

    A server binds its port only seconds after we chose it. Until then a name in Linux's abstract socket space shows our
    choice to other embedded hubs: it belongs to the same network as the port, needs no file, and ends with us.
    Raises `EmbeddedError` if none is free.
    """
    for candidate in candidates:
        for _ in range(TRIES if candidate == ANY else 1):
            port = free_port(candidate)
            claim = _claim(port) if port else None
            if port and claim:
                with claim:
                    yield port
                return
    raise EmbeddedError(f"port {candidates[0]} of {LOOPBACK} is taken")


def free_port(port: int = ANY) -> int | None:
    """This loopback port if it is free now (`ANY`: whichever the system gives); None otherwise."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do; without it a port is refused for a minute after the last run.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _claim(port: int) -> socket.socket | None:
    """Our name beside the port; None if another hub has it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform != "linux":
        return claim  # there a collision is still possible, and ends with a message
    try:
        claim.bind(f"\0payment-hub-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim
