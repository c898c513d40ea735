"""Refunds through a bank: send them, query their outcome, and record the result; or record the evidence of a person.

The intent is stored before the bank is called, so no refund is sent twice, and none is assumed to have failed.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import partial
from typing import Final

from payment_hub.domain.access import Caller, Role, same_holder
from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.banks.port import CanQueryRefund, CanRefund
from payment_hub.domain.banks.values import RefundOutcome, RefundQuery, RefundRequest, account_of
from payment_hub.domain.errors import (
    BankCannot,
    BankNotFound,
    BankUnavailable,
    CallbackRejected,
    CircuitOpen,
    Forbidden,
    HubUnavailable,
    IllegalTransition,
    Malformed,
    SamePerson,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payments import wait_before_query
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refunds.eligibility import RefundContext
from payment_hub.domain.refunds.lifecycle import (
    ANSWERED_WITHIN,
    CONTRADICTIONS,
    NOT_CARRIED,
    RETURNED_WITHIN,
    RefundEvent,
    RefundState,
    Route,
    Transition,
    event_of,
    life_of,
    plain_name,
    storable,
)
from payment_hub.domain.refunds.views import RefundView
from payment_hub.hub import Hub
from payment_hub.operations.banks import call_bank, read_bank_states
from payment_hub.store import orders, refunds
from payment_hub.store.refund_writes import add_history, move_refund
from payment_hub.store.tables import Refund

log = logging.getLogger(__name__)


def record_refund_result(
    hub: Hub, *, key: int, event: RefundEvent, code: str, bank_refund_id: str | None = None
) -> RefundState:
    """The refund's state now. A result that changes nothing is ignored; one against its end blocks the money.

    ``key`` is the refund's own. The refund was stored before the bank was called, so it is always there.
    """
    with hub.transaction() as session:
        reference = refunds.order_reference_of(session, key)
        orders.lock(session, reference)
        context = refunds.refund_context(session, reference, hub.checkout_url)
        refund = refunds.by_key(session, key)
        state = RefundState(refund.state)
        new_id = storable(bank_refund_id) if bank_refund_id else refund.bank_refund_id
        note = f"was {refund.bank_refund_id}" if refund.bank_refund_id not in (None, "", new_id) else ""
        transition = Transition(f"bank:{refund.bank}", hub.now(), code=storable(code), note=note)
        if life_of(Route(refund.route)).allows(state, event):
            refund.bank_refund_id = new_id
            move_refund(session, refund, context, event, transition)
        elif (state, event) in CONTRADICTIONS and not refund.contradicted:
            refund.contradicted = True
            add_history(session, refund, RefundEvent.CONTRADICTED, transition)
            fields = {"reference": refund.reference, "bank": refund.bank, "reason": f"{event} after {state}"}
            log.error("refund_contradicted", extra=fields)
        return RefundState(refund.state)


BATCH = 20

#: A process that dies during the call leaves its refund SUBMITTING. The bank is queried this long after the longest
#: time that the call may take, so never while the call is under way.
FIRST_QUERY_AFTER = timedelta(minutes=2)


def send_refunds(hub: Hub) -> int:
    """How many were sent. Refunds are claimed, and committed as SUBMITTING, one at a time: a process that dies leaves
    one refund of unknown outcome, and the others untouched."""
    sent = 0
    while sent < BATCH and (claimed := _claim(hub)) is not None:
        if not _send(hub, *claimed):
            break
        sent += 1
    return sent


def _claim(hub: Hub) -> tuple[int, str, RefundRequest] | None:
    """One refund to be sent, with its intent stored: its key, its bank and the request."""
    now, banks = hub.now(), _available_banks(hub)
    with hub.transaction() as session:
        key = refunds.claim_approved(session, banks)
        if key is None:
            return None
        refund = refunds.by_key(session, key)
        reference = refunds.order_reference_of(session, key)
        context = refunds.refund_context(session, reference, hub.checkout_url)
        longest = timedelta(seconds=hub.terms_of(refund.bank).seconds(BankOperation.REFUND) or 0)
        refund.submitted_at, refund.query_at = now, now + FIRST_QUERY_AFTER + longest
        transition = Transition(f"bank:{refund.bank}", now)
        move_refund(session, refund, context, RefundEvent.SUBMITTED, transition)
        return key, refund.bank, _request(hub, refund, context)


def _available_banks(hub: Hub) -> list[str]:
    """The banks with refunds that can be called now: refunds of the others wait, and are not even claimed."""
    states, now = read_bank_states(hub), hub.now()
    return [
        bank
        for bank in hub.banks_with(CanRefund)
        if states.downtime_until(bank, BankOperation.REFUND, now) is None
        and states.of(bank, BankOperation.REFUND).may_call(now, hub.terms_of(bank).breaker)
    ]


def _request(hub: Hub, refund: Refund, context: RefundContext) -> RefundRequest:
    collected = context.collection(refund.collection_id)
    return RefundRequest(
        refund_reference=refund.reference,
        number=refund.id,
        order_reference=context.record.view.reference,
        attempt_reference=collected.attempt_reference,
        bank_transaction_id=collected.bank_transaction_id,
        amount=Money(refund.amount, refund.currency),
        paid=Money(collected.amount, refund.currency),
        paid_at=collected.collected_at,
        payment_started_at=collected.started_at,
        description=f"Hoan tien {context.record.view.reference}",
        requested_by=plain_name(refund.approved_by or ""),
        queried_at=refund.submitted_at or hub.now(),
        bank_reference=collected.bank_reference,
        payer=account_of(refund.payee),
    )


def _send(hub: Hub, key: int, bank: str, request: RefundRequest) -> bool:
    """Whether the bank was called, or never will be; False when its circuit opened since the refund was claimed."""
    call = partial(hub.adapter_with(bank, CanRefund).refund_payment, request)
    try:
        answer = call_bank(
            hub, bank=bank, operation=BankOperation.REFUND, call=call, about=request.order_reference
        )
    except CircuitOpen as error:
        record_refund_result(hub, key=key, event=RefundEvent.NOT_SENT, code=error.detail[:200])
        return False
    except (BankUnavailable, CallbackRejected) as error:
        # An answer that cannot be verified is no answer.
        record_refund_result(hub, key=key, event=RefundEvent.NO_ANSWER, code=error.detail[:200])
    except Malformed as error:
        # The request never left: the bank's own limits forbid it. That is proof.
        record_refund_result(
            hub, key=key, event=RefundEvent.FAILED, code=f"{NOT_CARRIED} {error.detail}"[:200]
        )
    else:
        event = event_of(answer.outcome)
        record_refund_result(
            hub, key=key, event=event, code=answer.code, bank_refund_id=answer.bank_refund_id
        )
    return True


QUERY_BATCH = 50
LEASE = timedelta(minutes=2)


def query_refunds(hub: Hub) -> int:
    """How many refunds a bank was queried about. No refund is sent again or assumed to have failed.

    A refund whose sender died becomes UNKNOWN. Where a bank cannot be queried, it stays UNKNOWN until a person brings
    evidence; its query is repeated all the same, because the bank may be able to answer one day. A refund that waits
    too long is escalated to officers.
    """
    now = hub.now()
    with hub.transaction() as session:
        due = refunds.claim_due(session, now, now + LEASE, QUERY_BATCH)
    for key in due:
        _query_refund(hub, key)
    _escalate_overdue(hub)
    return len(due)


def _escalate_overdue(hub: Hub) -> None:
    now = hub.now()
    with hub.transaction() as session:
        overdue = refunds.escalate_overdue(
            session, now, unanswered=now - ANSWERED_WITHIN, unreturned=now - RETURNED_WITHIN
        )
    for refund in overdue:
        log.error("refund_overdue", extra={name: refund[name] for name in ("reference", "bank", "state")})


def _query_refund(hub: Hub, key: int) -> None:
    bank, query, state, queries = _query(hub, key)
    if state is RefundState.SUBMITTING:
        record_refund_result(hub, key=key, event=RefundEvent.NO_ANSWER, code="")
    try:
        call = partial(hub.adapter_with(bank, CanQueryRefund).query_refund, query)
        answer = call_bank(
            hub, bank=bank, operation=BankOperation.QUERY, call=call, about=query.refund_reference
        )
    except (BankUnavailable, BankNotFound, BankCannot, CallbackRejected, Malformed) as error:
        fields = {"bank": bank, "reference": query.refund_reference, "why": str(error)}
        log.warning("bank_unavailable", extra=fields)
    except HubUnavailable:
        raise
    except Exception:
        log.exception("query_failed", extra={"bank": bank, "reference": query.refund_reference})
    else:
        # PENDING may stand for a code that the bank never documented: it proves nothing new.
        if answer.outcome is not RefundOutcome.PENDING:
            event = event_of(answer.outcome)
            record_refund_result(
                hub, key=key, event=event, code=answer.code, bank_refund_id=answer.bank_refund_id
            )
    with hub.transaction() as session:
        refunds.by_key(session, key).query_at = hub.now() + wait_before_query(queries)


def _query(hub: Hub, key: int) -> tuple[str, RefundQuery, RefundState, int]:
    with hub.transaction() as session:
        refund = refunds.by_key(session, key)
        reference = refunds.order_reference_of(session, key)
        context = refunds.refund_context(session, reference, hub.checkout_url)
        collected = context.collection(refund.collection_id)
        query = RefundQuery(
            refund_reference=refund.reference,
            number=refund.id,
            order_reference=context.record.view.reference,
            attempt_reference=collected.attempt_reference,
            bank_transaction_id=collected.bank_transaction_id,
            amount=Money(refund.amount, refund.currency),
            paid=Money(collected.amount, refund.currency),
            submitted_at=refund.submitted_at or refund.changed_at,
            payment_started_at=collected.started_at,
            queried_at=hub.now(),
            bank_reference=collected.bank_reference,
            bank_refund_id=refund.bank_refund_id,
        )
        return refund.bank, query, RefundState(refund.state), refund.queries


#: The events that a document can prove.
PROVABLE: Final = (RefundEvent.HANDED_IN, RefundEvent.RETURNED, RefundEvent.FAILED)

#: The event that led to each end.
_ENDS: Final = {RefundState.SUCCEEDED: RefundEvent.RETURNED, RefundState.FAILED: RefundEvent.FAILED}


def prove_refund(
    hub: Hub,
    *,
    caller: Caller,
    reference: str,
    refund_id: str,
    event: RefundEvent,
    document: str,
    dated_on: date,
    note: str,
) -> RefundView:
    """The refund after what ``document`` shows. A proof of the end of a refund that its bank contradicts unblocks the
    money. A refund that was never sent, because its bank is not enabled any more, is ended as FAILED.

    Raises MalformedReference, OrderNotFound, RefundNotFound; SamePerson when the approver proves the end;
    IllegalTransition; Malformed without a document.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal proves no refunds")
    if event not in PROVABLE or not document.strip():
        raise Malformed("say what the document is", pointers={"/document": "Must not be empty."})
    plain = parse_reference(reference)
    evidence = {"document": document.strip(), "dated_on": dated_on.isoformat()}
    with hub.transaction() as session:
        context = refunds.lock_order(session, plain, caller, hub.checkout_url)
        refund = refunds.require(session, context.record.id, refund_id)
        refunds.lock(session, refund)
        if event is not RefundEvent.HANDED_IN and same_holder(refund.approved_by or "", caller.holder):
            raise SamePerson(caller.holder)
        transition = Transition(caller.holder, hub.now(), note=note, evidence=evidence)
        if refund.contradicted and _ENDS.get(RefundState(refund.state)) is event:
            refund.contradicted = False
            add_history(session, refund, event, transition)
        elif refund.route == Route.BANK and refund.state == RefundState.SUBMITTING:
            raise IllegalTransition("the refund is being sent at this moment")
        else:
            move_refund(session, refund, context, event, transition)
        return refunds.refund_view(session, caller, context.record.id, refund_id)
