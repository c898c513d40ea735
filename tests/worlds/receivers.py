"""Ways in which a portal's receiver answers badly; the receiver itself is the demonstration's."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler

from payment_hub.demo.portal import Behaviour, Receiver, WebhookHandler, running_receiver, status

__all__ = ["Behaviour", "Receiver", "a_receiver", "hang_up", "hold", "status"]

a_receiver = running_receiver


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """End the connection without an answer."""
    handler.close_connection = True


def hold(until: threading.Event) -> Behaviour:
    """Answer 200, but only after the event."""

    def answer(handler: WebhookHandler) -> None:
        until.wait(30)
        status(200)(handler)

    return answer
