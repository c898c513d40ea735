"""Receive a bank's callback: verify, store, judge, record, and answer in the bank's own words."""

from __future__ import annotations

from payment_hub.domain.bank_port import CallbackReply, CallbackRequest
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.judgement import answer_to
from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store.standings import store_unverified

#: Of a message that cannot be verified no more than this is kept: it is evidence, not a gift of our disk.
UNVERIFIED_BYTES = 4096
UNVERIFIED_IN_A_MINUTE = 120


def receive_callback(hub: Hub, *, bank: str, request: CallbackRequest) -> CallbackReply:
    """The reply for the bank, given only after everything is committed.

    Raises BankNotFound; CallbackRejected for a message that cannot be verified or read (a truncated copy of it is
    kept, and nothing else changes); HubUnavailable when it could not be stored, so that the bank sends it again.
    """
    adapter = hub.adapter(bank)
    try:
        confirmation = adapter.read_callback(request)
    except (CallbackRejected, Malformed) as error:
        _keep_unverified(hub, bank, request)
        raise CallbackRejected from error
    judgement = receive_confirmation(
        hub,
        confirmation=confirmation,
        source=Source.CALLBACK,
        received_at=request.received_at,
        request=request,
    )
    return adapter.acknowledge(answer_to(judgement))


def _keep_unverified(hub: Hub, bank: str, request: CallbackRequest) -> None:
    kept = CallbackRequest(
        method=request.method,
        path=request.path[:200],
        query=request.query[:UNVERIFIED_BYTES],
        headers={name: value[:200] for name, value in request.headers.items()},
        body=request.body[:UNVERIFIED_BYTES],
        received_at=request.received_at,
        source_ip=request.source_ip,
    )
    with hub.at_once() as connection:
        store_unverified(connection, bank, kept, UNVERIFIED_IN_A_MINUTE)
