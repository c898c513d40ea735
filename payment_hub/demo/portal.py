"""A portal's receiver of webhooks: a real HTTP server on this machine that answers as configured."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class WebhookHandler(BaseHTTPRequestHandler):
    """One connection of a sender; ``received`` is the request that is being answered."""

    received: ReceivedRequest


#: How a request is answered.
Behaviour = Callable[[WebhookHandler], None]


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with a status, and keep the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@dataclass
class Receiver:
    """What arrived, and how to answer."""

    port: int
    scheme: str
    behaviour: Behaviour = field(default_factory=lambda: status(200))
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/webhooks"

    @property
    def ids(self) -> list[str]:
        """The ids of the webhooks that arrived, in order."""
        return [request.headers["webhook-id"] for request in self.requests]


class Portal:
    """Webhooks that arrived at a receiver, each verified with the hub's public key."""

    def __init__(self, receiver: Receiver) -> None:
        self.url = receiver.url
        self.public_key = ""
        self.webhooks: list[dict[str, Any]] = []
        self.refused = 0
        receiver.behaviour = self._answer

    def webhook(self, order: str, event: str) -> dict[str, Any] | None:
        """The webhook of one event type about one order, if it has arrived."""
        matching = (
            webhook for webhook in self.webhooks if (webhook["order"], webhook["type"]) == (order, event)
        )
        return next(matching, None)

    def _answer(self, handler: WebhookHandler) -> None:
        received = handler.received
        signature = self._verified_signature(received.headers, received.body)
        if signature is None:
            self.refused += 1
            status(401)(handler)
        else:
            self.webhooks.append({**json.loads(received.body), "signature": signature})
            status(204)(handler)

    def _verified_signature(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The hub's signature over ``id.timestamp.body``; None if there is none."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key.removeprefix("whpk_")))
        for signature in headers["webhook-signature"].split(" "):
            version, _, text = signature.partition(",")
            if version == "v1a" and _verifies(key, base64.b64decode(text), signed):
                return signature
        return None


@contextmanager
def running_portal() -> Iterator[Portal]:
    """A portal on a free port of this machine, for the block."""
    with running_receiver() as receiver:
        yield Portal(receiver)


@contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of this machine, for the block."""

    class Handler(WebhookHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            self.received = ReceivedRequest(self.command, self.path, names, body)
            receiver.requests.append(self.received)
            try:
                receiver.behaviour(self)
            except ConnectionError:
                self.close_connection = True

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing on the terminal."""

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server.server_address[1], "http" if tls is None else "https")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up or refuse the certificate: both are what some tests are about."""


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
