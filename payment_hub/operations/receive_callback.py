"""Receive a bank's callback: verify, store, judge, record, and answer in the bank's own words."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.bank_port import CanQuery, TakesCallbacks
from payment_hub.domain.bank_values import CallbackReply, CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.judgement import answer_to
from payment_hub.domain.references import find_reference
from payment_hub.domain.standing import Source, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_order import NOWHERE, ask_about_order
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store.standings import store_unverified

#: Of a message that cannot be verified no more than this is kept: it is evidence, not a gift of our disk.
UNVERIFIED_BYTES = 4096
UNVERIFIED_IN_A_MINUTE = 120


def receive_callback(hub: Hub, *, bank: str, request: CallbackRequest) -> CallbackReply:
    """The reply for the bank, given only after everything is committed.

    Of a message that cannot be verified or read a truncated copy is kept, and nothing else changes; the bank is told in
    its own words, and by CallbackRejected where it has none. Raises BankNotFound, BankCannot; HubUnavailable when it
    could not be stored, so that the bank sends it again.
    """
    adapter = hub.able(bank, TakesCallbacks)
    try:
        confirmation = adapter.read_callback(request)
    except (CallbackRejected, Malformed) as error:
        _keep_unverified(hub, bank, request)
        words = adapter.refuse(request)
        if words is None:
            raise CallbackRejected from error
        return words
    judgement = receive_confirmation(
        hub,
        confirmation=confirmation,
        source=Source.CALLBACK,
        received_at=request.received_at,
        request=request,
    )
    if judgement.verdict is Verdict.UNPROVEN:
        _ask_at_once(hub, confirmation, request.received_at)
    elif confirmation.outcome is Outcome.PENDING and isinstance(adapter, CanQuery):
        # Some banks sign that something happened, but not what: they have to be asked.
        _ask_at_once(hub, confirmation, request.received_at, leaving_for=NOWHERE)
    return adapter.acknowledge(answer_to(judgement), request)


def _ask_at_once(
    hub: Hub, confirmation: Confirmation, received_at: datetime, leaving_for: str | None = None
) -> None:
    """Most proofs are had while the bank waits for our answer; all others the clock asks for, which is due by now."""
    reference = find_reference(confirmation.reference, received_at)
    if reference is not None:
        ask_about_order(hub, reference=reference, leaving_for=leaving_for)


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
