"""A bank's HTTP messages: callbacks that are verified, stored and judged, and inquiries that are answered.

A callback is answered only after everything is committed. One that was stored but never judged, because a process died
in between, is judged later. An inquiry (what is to be paid?) changes no fact, so nothing of it is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from payment_hub.domain.banks.port import CanAnswerInquiry, CanQuery, TakesCallbacks
from payment_hub.domain.banks.values import (
    Bill,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Due,
    Inquiry,
    Outcome,
)
from payment_hub.domain.errors import CallbackRejected, Malformed, OrderNotFound
from payment_hub.domain.judgement import answer_to
from payment_hub.domain.payments import AttemptState
from payment_hub.domain.references import find_reference
from payment_hub.domain.settlement import Source, Verdict, due_of, remaining
from payment_hub.hub import Hub
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.payments.query import NOWHERE, query_order
from payment_hub.store import orders, payments
from payment_hub.store.confirmations import store_unverified, unjudged_callbacks
from payment_hub.store.tables import PaymentAttempt

#: Limits on what is stored of messages that cannot be verified: they are evidence, and anybody can send them.
UNVERIFIED_BYTES = 4096
UNVERIFIED_IN_A_MINUTE = 120


def receive_callback(hub: Hub, *, bank: str, request: CallbackRequest) -> CallbackReply:
    """The reply for the bank, given only after everything is committed.

    Of a message that cannot be verified or read a truncated copy is kept, and nothing else changes; the bank gets the
    refusal of its protocol, or CallbackRejected where its protocol has none.

    Raises BankNotFound, BankCannot; HubUnavailable when it could not be stored, so that the bank sends it again.
    """
    adapter = hub.adapter_with(bank, TakesCallbacks)
    try:
        confirmation = adapter.read_callback(request)
    except (CallbackRejected, Malformed) as error:
        _keep_unverified(hub, bank, request)
        refusal = adapter.refuse(request)
        if refusal is None:
            raise CallbackRejected from error
        return refusal
    judgement = receive_confirmation(
        hub,
        confirmation=confirmation,
        source=Source.CALLBACK,
        received_at=request.received_at,
        request=request,
    )
    if judgement.verdict is Verdict.NEEDS_INQUIRY:
        _query_now(hub, confirmation, request.received_at)
    elif confirmation.outcome is Outcome.PENDING and isinstance(adapter, CanQuery):
        # Some banks sign that something happened, but not what: they must be queried.
        _query_now(hub, confirmation, request.received_at, leaving_for=NOWHERE)
    return adapter.acknowledge(answer_to(judgement), request)


def _query_now(
    hub: Hub, confirmation: Confirmation, received_at: datetime, leaving_for: str | None = None
) -> None:
    """Most banks prove the payment while they wait for our answer; the others are queried by the clock."""
    reference = find_reference(confirmation.reference, received_at)
    if reference is not None:
        query_order(hub, reference=reference, leaving_for=leaving_for)


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
    with hub.autocommit() as connection:
        store_unverified(connection, bank, kept, UNVERIFIED_IN_A_MINUTE)


BATCH = 100
IN_HAND = timedelta(seconds=30)
"""A younger callback is probably being judged at this moment."""
LOOKED_BACK = timedelta(days=8)
RECENT = timedelta(hours=1)
"""How far the frequent run looks back; the hourly run looks further, in case no worker ran for a while."""


def rejudge_callbacks(hub: Hub, *, looked_back: timedelta = LOOKED_BACK) -> int:
    """How many were judged now. Each as of the moment when it came; it was verified then."""
    now, judged, after = hub.now(), 0, 0
    while True:
        with hub.transaction() as session:
            callbacks = unjudged_callbacks(
                session, since=now - looked_back, before=now - IN_HAND, after=after, limit=BATCH
            )
        for callback_id, confirmation, received_at in callbacks:
            receive_confirmation(
                hub,
                confirmation=confirmation,
                source=Source.CALLBACK,
                received_at=received_at,
                callback_id=callback_id,
            )
            judged, after = judged + 1, callback_id
        if len(callbacks) < BATCH:
            return judged


log: Final = logging.getLogger(__name__)


def answer_inquiry(hub: Hub, *, bank: str, request: CallbackRequest) -> CallbackReply:
    """The bill as the bank's protocol writes it.

    An inquiry that cannot be verified or read learns nothing of any order: the bank gets the refusal of its protocol,
    or CallbackRejected where its protocol has none. Raises BankNotFound, BankCannot, HubUnavailable.
    """
    adapter = hub.adapter_with(bank, CanAnswerInquiry)
    try:
        inquiry = adapter.read_inquiry(request)
    except (CallbackRejected, Malformed) as error:
        log.warning("inquiry_refused", extra={"bank": bank, "why": type(error).__name__})
        refusal = adapter.refuse(request) if isinstance(adapter, TakesCallbacks) else None
        if refusal is None:
            raise CallbackRejected from error
        return refusal
    bill = _bill(hub, bank, inquiry)
    log.info("inquiry_answered", extra={"bank": bank, "order": bill.order_reference, "verdict": bill.due})
    return adapter.answer_inquiry(inquiry, bill)


def _bill(hub: Hub, bank: str, inquiry: Inquiry) -> Bill:
    # The reference may have been typed at a bank's counter.
    reference = find_reference(inquiry.reference, hub.now())
    if reference is None:
        return Bill(Due.NO_SUCH_ORDER)
    with hub.transaction() as session:
        # Order and attempts must be of one moment: else a payment recorded between the two reads is seen in neither.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        try:
            order = orders.find_row(session, reference)
        except OrderNotFound:
            return Bill(Due.NO_SUCH_ORDER)
        attempts = payments.attempts_of_order(session, order["order_id"])
        own = [attempt for attempt in attempts if attempt.bank == bank]
        named = next((attempt for attempt in own if attempt.reference == inquiry.reference), None)
        attempt = named or (own[0] if own else None)
        return Bill(
            due=due_of(
                order,
                hub.now(),
                requested=inquiry.amount,
                undecided=_undecided(attempts, named),
                abandoned=named is not None and named.state == AttemptState.ABANDONED,
            ),
            order_reference=reference,
            attempt_reference="" if attempt is None else attempt.reference,
            amount=remaining(order),
            payer_name=order["payer_name"],
            description=f"Thanh toan {reference}",
        )


def _undecided(attempts: Sequence[PaymentAttempt], named: PaymentAttempt | None) -> bool:
    """Whether money may have come that is not recorded yet. The bank itself knows about the attempt that it names."""
    attempt = payments.undecided(attempts)
    return attempt is not None and (attempt is not named or payments.is_awaiting(attempt))
