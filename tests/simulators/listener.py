"""A hub's callback address that keeps what it receives and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask, Response, request
from werkzeug.serving import make_server


@dataclass
class Listener:
    """``answers`` are given one after the other, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[float, str, str, bytes]] = field(default_factory=list)
    """When, method, path with query, body."""


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a port of its own."""
    listener, app = Listener(), Flask("listener")

    def hear(rest: str) -> Response:
        listener.received.append(
            (time.monotonic(), request.method, request.full_path.rstrip("?"), request.get_data())
        )
        answers = listener.answers
        return Response(rest, answers.pop(0) if len(answers) > 1 else answers[0])

    app.add_url_rule("/<path:rest>", "hear", hear, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    listener.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
