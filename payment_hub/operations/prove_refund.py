"""Complete a refund by evidence: a paper that was handed in, carried out or refused, or what an officer learnt of a
bank's refund that the bank does not tell."""

from __future__ import annotations

from datetime import date
from typing import Final

from payment_hub.domain.errors import Forbidden, IllegalTransition, Malformed, SamePerson
from payment_hub.domain.keys import Caller, Role, same_holder
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refund import RefundEvent, RefundState, Route
from payment_hub.domain.refund_views import RefundView
from payment_hub.hub import Hub
from payment_hub.store import refund_lists, refunds
from payment_hub.store.refund_moves import Told, move, note

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
    words: str,
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
        told = Told(caller.holder, hub.now(), words=words, evidence=evidence)
        if refund.contradicted and _ENDS.get(RefundState(refund.state)) is event:
            refund.contradicted = False
            note(session, refund, event, told)
        elif refund.route == Route.BANK and refund.state == RefundState.SUBMITTING:
            raise IllegalTransition("the bank is being asked at this moment")
        else:
            move(session, refund, known, event, told, hub.checkout_url)
        return refund_lists.one(session, caller, known.row["order_id"], refund_id)
