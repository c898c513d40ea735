"""Record what became of a refund that a bank was asked for, exactly once however often it is told.

Send approved refunds to their banks: store the intent, ask the bank, store its answer. Nothing is sent twice.

Ask banks about refunds whose outcome they have not told.

Complete a refund by evidence: a paper that was handed in, carried out or refused, or what an officer learnt of a
bank's refund that the bank does not tell.
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
from payment_hub.domain.refunds.lifecycle import (
    ANSWERED_WITHIN,
    CONTRADICTIONS,
    NOT_CARRIED,
    RETURNED_WITHIN,
    RefundEvent,
    RefundState,
    Route,
    event_of,
    life_of,
    plain_name,
    storable,
)
from payment_hub.domain.refunds.views import RefundView
from payment_hub.hub import Hub
from payment_hub.operations.banks import call_bank, read_bank_states
from payment_hub.store import orders, refunds
from payment_hub.store.refund_writes import Transition, move_refund, note_refund
from payment_hub.store.refunds import RefundContext
from payment_hub.store.tables import Refund

_log = logging.getLogger(__name__)


def record_refund_result(
    hub: Hub, *, key: int, event: RefundEvent, code: str, bank_refund_id: str | None = None
) -> RefundState:
    """Where the refund stands now. A word that changes nothing is let be; one against its end blocks the money.

    ``key`` is the refund's own. Its state was stored before the bank was asked, so it is always there.
    """
    with hub.transaction() as session:
        reference = refunds.order_reference_of(session, key)
        orders.lock(session, reference)
        known, refund = refunds.refund_context(session, reference), refunds.by_key(session, key)
        state, now = RefundState(refund.state), hub.now()
        called = storable(bank_refund_id) if bank_refund_id else refund.bank_refund_id
        before = refund.bank_refund_id if refund.bank_refund_id not in (None, called) else None
        told = Transition(
            f"bank:{refund.bank}", now, code=storable(code), note=(before and f"was {before}") or ""
        )
        if life_of(Route(refund.route)).allows(state, event):
            refund.bank_refund_id = called
            move_refund(session, refund, known, event, told, hub.checkout_url)
        elif (state, event) in CONTRADICTIONS and not refund.contradicted:
            refund.contradicted = True
            note_refund(session, refund, RefundEvent.CONTRADICTED, told)
            fields = {"reference": refund.reference, "bank": refund.bank, "reason": f"{event} after {state}"}
            _log.error("refund_contradicted", extra=fields)
        return RefundState(refund.state)


BATCH = 20

#: A process that dies while it asks the bank leaves its refund SUBMITTING; so long after the longest that the call may
#: last the bank is asked about it. Nobody asks about what is still on its way.
FIRST_QUERY_AFTER = timedelta(minutes=2)


def send_refunds(hub: Hub) -> int:
    """How many were sent. A refund is claimed, and committed as being sent, one at a time: a process that dies leaves
    one of which nobody knows, and the others untouched."""
    sent = 0
    while sent < BATCH and (claimed := _claim(hub)) is not None:
        if not _send(hub, *claimed):
            break
        sent += 1
    return sent


def _claim(hub: Hub) -> tuple[int, str, RefundRequest] | None:
    """One refund to be sent, with its intent stored: its key, its bank and what to ask."""
    now, banks = hub.now(), _awake(hub)
    with hub.transaction() as session:
        key = refunds.claim_approved(session, banks)
        if key is None:
            return None
        refund = refunds.by_key(session, key)
        known = refunds.refund_context(session, refunds.order_reference_of(session, key))
        longest = timedelta(seconds=hub.terms_of(refund.bank).seconds(BankOperation.REFUND) or 0)
        refund.submitted_at, refund.query_at = now, now + FIRST_QUERY_AFTER + longest
        told = Transition(f"bank:{refund.bank}", now)
        move_refund(session, refund, known, RefundEvent.SUBMITTED, told, hub.checkout_url)
        return key, refund.bank, _request(hub, refund, known)


def _awake(hub: Hub) -> list[str]:
    """The banks that give money back and can be asked now: what is for the others waits, and is not even claimed."""
    states, now = read_bank_states(hub), hub.now()
    return [
        bank
        for bank in hub.banks_able(CanRefund)
        if states.downtime_until(bank, BankOperation.REFUND, now) is None
        and states.of(bank, BankOperation.REFUND).may_call(now, hub.terms_of(bank).breaker)
    ]


def _request(hub: Hub, refund: Refund, known: RefundContext) -> RefundRequest:
    collected = known.of(refund.collection_id)
    return RefundRequest(
        refund_reference=refund.reference,
        number=refund.id,
        order_reference=known.row["reference"],
        attempt_reference=collected.attempt_reference,
        bank_transaction_id=collected.bank_transaction_id,
        amount=Money(refund.amount, refund.currency),
        paid=Money(collected.amount, refund.currency),
        paid_at=collected.collected_at,
        payment_started_at=collected.started_at,
        description=f"Hoan tien {known.row['reference']}",
        requested_by=plain_name(refund.approved_by or ""),
        queried_at=refund.submitted_at or hub.now(),
        bank_reference=collected.bank_reference,
        payer=account_of(refund.payee),
    )


def _send(hub: Hub, key: int, bank: str, request: RefundRequest) -> bool:
    """Whether the bank was asked, or never will be; False when it began to rest since the refund was claimed."""
    call = partial(hub.able(bank, CanRefund).refund_payment, request)
    try:
        answer = call_bank(
            hub, bank=bank, operation=BankOperation.REFUND, call=call, about=request.order_reference
        )
    except CircuitOpen as error:
        record_refund_result(hub, key=key, event=RefundEvent.NOT_SENT, code=error.detail[:200])
        return False
    except (BankUnavailable, CallbackRejected) as error:
        # An answer that cannot be believed is none.
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


log = logging.getLogger(__name__)

QUERIED_AT_ONCE = 50
LEASE = timedelta(minutes=2)


def query_refunds(hub: Hub) -> int:
    """How many refunds a bank was asked about. Never is one sent again, and never assumed to have failed.

    One whose sender is silent is UNKNOWN from now on. Where a bank cannot be asked, it stays so until somebody brings
    evidence; the question comes up again all the same, for the bank may be able to answer one day. What waits too long
    is laid before an officer.
    """
    now = hub.now()
    with hub.transaction() as session:
        due = refunds.claim_due(session, now, now + LEASE, QUERIED_AT_ONCE)
    for key in due:
        _query_refund(hub, key)
    _lay_before_officers(hub)
    return len(due)


def _lay_before_officers(hub: Hub) -> None:
    now = hub.now()
    with hub.transaction() as session:
        overdue = refunds.escalate_overdue(
            session, now, unanswered=now - ANSWERED_WITHIN, unreturned=now - RETURNED_WITHIN
        )
    for refund in overdue:
        log.error("refund_overdue", extra={name: refund[name] for name in ("reference", "bank", "state")})


def _query_refund(hub: Hub, key: int) -> None:
    bank, query, state, asked = _query(hub, key)
    if state is RefundState.SUBMITTING:
        record_refund_result(hub, key=key, event=RefundEvent.NO_ANSWER, code="")
    try:
        call = partial(hub.able(bank, CanQueryRefund).query_refund, query)
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
        # "Pending" may be a word that the bank never documented: it proves nothing that we do not know.
        if answer.outcome is not RefundOutcome.PENDING:
            event = event_of(answer.outcome)
            record_refund_result(
                hub, key=key, event=event, code=answer.code, bank_refund_id=answer.bank_refund_id
            )
    with hub.transaction() as session:
        refunds.by_key(session, key).query_at = hub.now() + wait_before_query(asked)


def _query(hub: Hub, key: int) -> tuple[str, RefundQuery, RefundState, int]:
    with hub.transaction() as session:
        refund = refunds.by_key(session, key)
        known = refunds.refund_context(session, refunds.order_reference_of(session, key))
        collected = known.of(refund.collection_id)
        query = RefundQuery(
            refund_reference=refund.reference,
            number=refund.id,
            order_reference=known.row["reference"],
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


#: What can be proved.
PROVABLE: Final = (RefundEvent.HANDED_IN, RefundEvent.RETURNED, RefundEvent.FAILED)

#: The end that a proof confirms.
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
    """The refund after what ``document`` shows. A proof of the end of a refund that its bank contradicts frees the
    money of the block. A bank's refund that was never sent, because its bank is asked no more, is ended as FAILED.

    Raises MalformedReference, OrderNotFound, RefundNotFound; SamePerson when who approved it says how it ended;
    IllegalTransition; Malformed without a document.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal proves no refunds")
    if event not in PROVABLE or not document.strip():
        raise Malformed("say what the document is", pointers={"/document": "Must not be empty."})
    plain = parse_reference(reference)
    evidence = {"document": document.strip(), "dated_on": dated_on.isoformat()}
    with hub.transaction() as session:
        known = refunds.lock_order(session, plain, caller)
        refund = refunds.require(session, known.row["order_id"], refund_id)
        refunds.hold(session, refund)
        if event is not RefundEvent.HANDED_IN and same_holder(refund.approved_by or "", caller.holder):
            raise SamePerson(caller.holder)
        told = Transition(caller.holder, hub.now(), note=note, evidence=evidence)
        if refund.contradicted and _ENDS.get(RefundState(refund.state)) is event:
            refund.contradicted = False
            note_refund(session, refund, event, told)
        elif refund.route == Route.BANK and refund.state == RefundState.SUBMITTING:
            raise IllegalTransition("the bank is being asked at this moment")
        else:
            move_refund(session, refund, known, event, told, hub.checkout_url)
        return refunds.refund_view(session, caller, known.row["order_id"], refund_id)
