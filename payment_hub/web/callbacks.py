"""Callbacks of banks: raw bytes in, the answer that the bank's protocol wants out, and only after the commit."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from payment_hub.current import current_hub
from payment_hub.domain.banks.values import CallbackReply, CallbackRequest
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import answer_inquiry, receive_callback
from payment_hub.web.api.requests import CALLBACK_BODY_BYTES, raw_body

blueprint: Final = Blueprint("callbacks", __name__)


@blueprint.route("/callbacks/<bank>", methods=["GET", "POST"])
def receive(bank: str) -> Response:
    """Hand a bank's message to its adapter, byte for byte. Nothing is decoded here, and no rate limit applies."""
    hub = current_hub()
    return _response(receive_callback(hub, bank=bank, request=_message(hub)))


@blueprint.route("/callbacks/<bank>/inquiry", methods=["GET", "POST"])
def inquire(bank: str) -> Response:
    """Tell a bank that asks first what is due. As for callbacks, nothing is decoded here."""
    hub = current_hub()
    return _response(answer_inquiry(hub, bank=bank, request=_message(hub)))


def _message(hub: Hub) -> CallbackRequest:
    """What arrived, as it arrived."""
    return CallbackRequest(
        method=request.method,
        path=request.path,
        query=request.query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=raw_body(CALLBACK_BODY_BYTES),
        received_at=hub.now(),
        source_ip=request.remote_addr or "",
    )


def _response(reply: CallbackReply) -> Response:
    answer = Response(reply.body, reply.status, content_type=reply.content_type)
    answer.headers.update(reply.headers)
    return answer
