"""The portal's side of the demonstration: it listens for webhooks and believes only those that are signed."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass
class ListeningPortal:
    """Webhooks that came, by order and type, each verified with the hub's public key."""

    url: str = ""
    public_key: str = ""
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    def hear(self, headers: Any, body: bytes) -> bool:
        """Whether the message is the hub's own: Ed25519 over ``id.timestamp.body``."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key.removeprefix("whpk_")))
        for signature in headers["webhook-signature"].split(" "):
            version, _, text = signature.partition(",")
            if version == "v1a" and _verifies(key, base64.b64decode(text), signed):
                self.webhooks.append({**json.loads(body), "signature": signature})
                return True
        self.refused += 1
        return False

    def told(self, reference: str, event: str) -> dict[str, Any] | None:
        """The webhook of one kind about one order, if it has come."""
        wanted = (reference, event)
        return next(
            (webhook for webhook in self.webhooks if (webhook["order"], webhook["type"]) == wanted), None
        )


@contextmanager
def listening_portal() -> Iterator[ListeningPortal]:
    """A portal on a free port of this machine, for the block."""
    portal = ListeningPortal()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204 if portal.hear(self.headers, body) else 401)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the story says it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    portal.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
