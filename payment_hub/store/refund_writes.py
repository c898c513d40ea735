"""Write refunds and chargebacks: the proposal, each transition, and what follows from it for the order.

The caller holds the lock of the order's obligation and has a transaction open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.calendar import business_day
from payment_hub.domain.ledger import Account
from payment_hub.domain.money import Money
from payment_hub.domain.references import new_refund_reference
from payment_hub.domain.refund_effects import effects_of_chargeback, effects_of_refund
from payment_hub.domain.refunds.eligibility import Collected, RefundContext, route_for
from payment_hub.domain.refunds.lifecycle import (
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
    Transition,
    life_of,
)
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.settlement import OrderSnapshot
from payment_hub.store import ledger
from payment_hub.store.order_writes import change_order
from payment_hub.store.tables import Chargeback, Collection, PaymentOrder, Posting, Refund, RefundEventRecord

_APPROVAL: Final = "refund"
#: Where the postings of each event come from; ``source_id`` is the key of the refund.
_SOURCES: Final = {
    RefundEvent.APPROVED: _APPROVAL,
    RefundEvent.RETURNED: "refund_paid",
    RefundEvent.FAILED: "refund_failed",
}


def move_refund(
    session: Session, refund: Refund, context: RefundContext, event: RefundEvent, transition: Transition
) -> None:
    """Let ``event`` happen to the refund, with all that follows for its order.

    Raises IllegalTransition; RefundExceeds when the order's accounts do not hold the amount.
    """
    if event is not RefundEvent.PROPOSED:
        refund.state = life_of(Route(refund.route)).after(RefundState(refund.state), event)
    refund.changed_at = transition.at
    session.flush()
    add_history(session, refund, event, transition)
    order = context.order
    if event is RefundEvent.FAILED:
        order = _reverse_approval(session, refund, order, transition)
    effects = effects_of_refund(
        event,
        context.record,
        order,
        amount=refund.amount,
        accepted=context.collection(refund.collection_id).accepted,
        route=Route(refund.route),
        refund=RefundChange(
            refund_id=refund.refund_id,
            reference=refund.reference,
            state=RefundState(refund.state),
            amount=Money(refund.amount, refund.currency),
            reason=RefundReason(refund.reason),
        ),
        at=transition.at,
    )
    if effects is not None:
        change_order(
            session,
            context.record,
            effects,
            transition.at,
            source_type=_SOURCES.get(event, _APPROVAL),
            source_id=refund.id,
            bank=refund.bank,
        )


def add_history(session: Session, refund: Refund, event: RefundEvent, transition: Transition) -> None:
    """Add to a refund's history what happened to it."""
    record = RefundEventRecord(
        refund_id=refund.id,
        event=event,
        state=refund.state,
        actor=transition.actor,
        code=transition.code,
        note=transition.note,
        happened_at=transition.at,
    )
    if transition.evidence is not None:
        record.evidence = dict(transition.evidence)
    session.add(record)
    session.flush()


def _reverse_approval(
    session: Session, refund: Refund, order: OrderSnapshot, transition: Transition
) -> OrderSnapshot:
    """Reverse the postings of the approval, so that the money is in the accounts from which it came."""
    posted = dict(order.posted)
    query = select(Posting).where(Posting.source_type == _APPROVAL, Posting.source_id == refund.id)
    for posting in session.scalars(query.order_by(Posting.id)).all():
        reason = f"{refund.reference} {transition.code or transition.note}".strip()
        day = business_day(transition.at)
        if ledger.reverse_posting(session, posting, reason[:200], day, transition.at) is None:
            continue  # an operator has reversed it by hand
        for account, amount in ((posting.debit, posting.amount), (posting.credit, -posting.amount)):
            if Account(account) in posted:
                posted[Account(account)] += amount
    return replace(order, posted=posted)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, by whom."""

    refund_id: str
    request_sha256: bytes
    collected: Collected
    amount: int
    reason: RefundReason
    note: str
    proposed_by: str
    payee: Mapping[str, Any] | None


def payee_of(collected: Collected, named: Mapping[str, Any] | None, by: str) -> Mapping[str, Any] | None:
    """The account that the money is to go to, and who stated it: the bank that collected it, unless ``by`` names
    another. The approver must see that, because a proposer may name their own account."""
    if named is not None:
        return {**named, "stated_by": by}
    return None if collected.payer is None else {**collected.payer, "stated_by": f"bank:{collected.bank}"}


def propose(
    session: Session,
    context: RefundContext,
    proposal: Proposal,
    limits: Limits | None,
    *,
    at: datetime,
    chance: int,
) -> None:
    """Add the refund and reserve its amount. ``limits`` are those of a bank with refunds, ``chance`` 25 random bits.

    Raises RefundExceeds.
    """
    record, collected = context.record, proposal.collected
    refund = Refund(
        reference=new_refund_reference(at, chance),
        order_id=record.id,
        refund_id=proposal.refund_id,
        request_sha256=proposal.request_sha256,
        collection_id=collected.key,
        agency_id=record.agency_id,
        bank=collected.bank,
        amount=proposal.amount,
        currency=context.order.currency,
        reason=proposal.reason,
        note=proposal.note,
        route=route_for(context, collected, proposal.amount, limits, business_day(at)),
        proposed_by=proposal.proposed_by,
        state=RefundState.PROPOSED,
        proposed_at=at,
        changed_at=at,
    )
    if proposal.payee is not None:
        refund.payee = dict(proposal.payee)
    session.add(refund)
    session.flush()
    move_refund(session, refund, context, RefundEvent.PROPOSED, Transition(proposal.proposed_by, at))


def find_collection(session: Session, bank: str, bank_transaction_id: str) -> tuple[int, str] | None:
    """The key of the money that a bank transaction brought in its order's currency, and the order's reference."""
    query = (
        select(Collection.id, PaymentOrder.reference)
        .join(PaymentOrder, PaymentOrder.id == Collection.order_id)
        .where(
            Collection.bank == bank,
            Collection.bank_transaction_id == bank_transaction_id,
            Collection.currency == PaymentOrder.currency,
        )
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row.id, row.reference)


def find_chargeback(session: Session, collection_id: int, evidence: str) -> Chargeback | None:
    """The chargeback that this evidence shows."""
    query = select(Chargeback).where(
        Chargeback.collection_id == collection_id, Chargeback.evidence == evidence
    )
    return session.scalar(query)


def charged_back_of(session: Session, collection_id: int) -> int:
    """All that the bank has charged back of this money, whether or not it was still here."""
    query = select(func.coalesce(func.sum(Chargeback.amount), 0))
    return int(session.execute(query.where(Chargeback.collection_id == collection_id)).scalar_one())


def add_chargeback(
    session: Session,
    context: RefundContext,
    collected: Collected,
    amount: Money,
    excess: int,
    evidence: str,
    *,
    by: str,
    at: datetime,
) -> None:
    """Add the chargeback, with what follows for the order from the part that was still here.

    Raises RefundExceeds when the order's accounts do not hold it.
    """
    chargeback = Chargeback(
        collection_id=collected.key,
        order_id=context.record.id,
        bank=collected.bank,
        amount=amount.minor,
        excess=excess,
        currency=amount.currency,
        evidence=evidence,
        stated_by=by,
        stated_at=at,
    )
    session.add(chargeback)
    session.flush()
    effects = effects_of_chargeback(
        context.record, context.order, amount=amount.minor - excess, accepted=collected.accepted, at=at
    )
    change_order(
        session,
        context.record,
        effects,
        at,
        source_type="chargeback",
        source_id=chargeback.id,
        bank=collected.bank,
    )
