"""Answer a bank that asks what is to be paid before it takes the money. Nothing is stored: no fact changes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from payment_hub.domain.bank_port import CanAnswerInquiry, TakesCallbacks
from payment_hub.domain.bank_values import Bill, CallbackReply, CallbackRequest, Due, Inquiry
from payment_hub.domain.errors import CallbackRejected, Malformed, OrderNotFound
from payment_hub.domain.inquiry import due_of
from payment_hub.domain.payable import remaining
from payment_hub.domain.payment_attempt import AttemptState
from payment_hub.domain.references import find_reference
from payment_hub.hub import Hub
from payment_hub.store import attempts, orders
from payment_hub.store.tables import PaymentAttempt

log: Final = logging.getLogger(__name__)


def answer_inquiry(hub: Hub, *, bank: str, request: CallbackRequest) -> CallbackReply:
    """The bill in the bank's own words.

    An inquiry that cannot be verified or read learns nothing of any order: the bank is told so in its own words, and by
    CallbackRejected where it has none. Raises BankNotFound, BankCannot, HubUnavailable.
    """
    adapter = hub.able(bank, CanAnswerInquiry)
    try:
        inquiry = adapter.read_inquiry(request)
    except (CallbackRejected, Malformed) as error:
        log.warning("inquiry_refused", extra={"bank": bank, "why": type(error).__name__})
        words = adapter.refuse(request) if isinstance(adapter, TakesCallbacks) else None
        if words is None:
            raise CallbackRejected from error
        return words
    bill = _bill(hub, bank, inquiry)
    log.info("inquiry_answered", extra={"bank": bank, "order": bill.order_reference, "verdict": bill.due})
    return adapter.answer_inquiry(inquiry, bill)


def _bill(hub: Hub, bank: str, inquiry: Inquiry) -> Bill:
    # Somebody at a counter may have typed it.
    reference = find_reference(inquiry.reference, hub.now())
    if reference is None:
        return Bill(Due.NO_SUCH_ORDER)
    with hub.transaction() as session:
        # Order and attempts of one moment: else what another bank proves in between is seen in neither.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        try:
            order = orders.find_row(session, reference)
        except OrderNotFound:
            return Bill(Due.NO_SUCH_ORDER)
        tried = attempts.of_order(session, order["order_id"])
        own = [attempt for attempt in tried if attempt.bank == bank]
        named = next((attempt for attempt in own if attempt.reference == inquiry.reference), None)
        given = named or (own[0] if own else None)
        return Bill(
            due=due_of(
                order,
                hub.now(),
                asked=inquiry.amount,
                undecided=_undecided(tried, named),
                left=named is not None and named.state == AttemptState.ABANDONED,
            ),
            order_reference=reference,
            attempt_reference="" if given is None else given.reference,
            amount=remaining(order),
            payer_name=order["payer_name"],
            description=f"Thanh toan {reference}",
        )


def _undecided(tried: Sequence[PaymentAttempt], named: PaymentAttempt | None) -> bool:
    """Whether money may have come that we do not see yet. Of the attempt that it names the bank knows what it did."""
    found = attempts.undecided(tried)
    return found is not None and (found is not named or attempts.unproven(found))
