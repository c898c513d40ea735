"""The hub's door for callbacks, and no more: what a bank tells over real HTTP is verified and kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bank_adapters.sandbox import SandboxBank
from payment_hub.domain.banks.values import CallbackRequest, Confirmation
from payment_hub.domain.errors import CallbackRejected
from tests.banks.sandbox_messages import SECRET, a_sandbox


class Door:
    """Answers 200 to what the adapter believes, 401 to the rest, and 503 while it is busy."""

    def __init__(self) -> None:
        self.adapter: SandboxBank | None = None
        self.heard: list[Confirmation] = []
        self.refused = 0
        self.busy = 0
        """How many of the next messages are answered with 503."""
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = door.receive(
                    CallbackRequest("POST", self.path, b"", headers, body, datetime.now(UTC))
                )
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def receive(self, message: CallbackRequest) -> int:
        assert self.adapter is not None
        assert message.path == "/callbacks/sandbox"
        if self.busy:
            self.busy -= 1
            return 503
        try:
            self.heard.append(self.adapter.read_callback(message))
        except CallbackRejected:
            self.refused += 1
            return 401
        return 200

    def joined_to(self, bank_url: str, secret: str = SECRET) -> SandboxBank:
        section = {"URL": bank_url, "SECRET": secret, "READ_SECONDS": "3"}
        self.adapter = a_sandbox(section, self.url)
        return self.adapter


@contextmanager
def open_door() -> Iterator[Door]:
    """A door that listens on a free port of this machine."""
    door = Door()
    thread = threading.Thread(target=door.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.server.shutdown()
        thread.join()
        door.server.server_close()
