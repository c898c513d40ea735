"""Decide refunds: one person proposes and another approves or declines; the hub proposes refunds of an excess."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role, same_holder
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import (
    AgencyNotFound,
    Forbidden,
    IdempotencyConflict,
    Malformed,
    MoneyNotSeen,
    RefundableChanged,
    RefundAboveLimit,
    RefundBlocked,
    RefundExceeds,
    SamePerson,
)
from payment_hub.domain.money import MAX_MINOR, Money
from payment_hub.domain.references import CHANCE_BITS, parse_reference
from payment_hub.domain.refunds.eligibility import (
    Collected,
    Excess,
    RefundContext,
    collection_to_refund,
    excess_of,
    excess_to_refund,
    limits_of,
    route_for,
    voucher_payment,
    why_blocked,
)
from payment_hub.domain.refunds.lifecycle import (
    THE_HUB,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
    Transition,
    life_of,
)
from payment_hub.domain.refunds.views import RefundView
from payment_hub.domain.refunds.vouchers import voucher_of
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds
from payment_hub.store.access import find_agency
from payment_hub.store.refund_writes import Proposal, move_refund, payee_of, propose
from payment_hub.store.tables import Refund


def propose_refund(
    hub: Hub,
    *,
    caller: Caller,
    reference: str,
    refund_id: str,
    refundable: Money,
    amount: Money,
    reason: RefundReason,
    note: str,
    collection: tuple[str, str] | None = None,
    payee: Mapping[str, Any] | None = None,
) -> RefundView:
    """The proposal; the same request again gives it again, however far it has come.

    ``refundable`` is the balance that the caller saw, ``collection`` the bank and its transaction whose money is
    meant. Raises MalformedReference, OrderNotFound, CollectionNotFound; IdempotencyConflict when the id was used for
    another request; Malformed, RefundableChanged, RefundExceeds, RefundBlocked.
    """
    plain = parse_reference(reference)
    content = (caller.name, refundable, amount, reason, note, collection, payee and sorted(payee.items()))
    digest = hashlib.sha256(repr(content).encode()).digest()
    with hub.transaction() as session:
        context = refunds.lock_order(session, plain, caller, hub.checkout_url)
        existing = refunds.find(session, context.record.id, refund_id)
        if existing is None:
            _refuse_proposal(caller, context, refundable, amount)
            collected = collection_to_refund(context.collections, amount.minor, collection, reason)
            proposal = Proposal(
                refund_id=refund_id,
                request_sha256=digest,
                collected=collected,
                amount=amount.minor,
                reason=reason,
                note=note,
                proposed_by=caller.holder,
                payee=payee_of(collected, payee, caller.name),
            )
            _propose(hub, session, context, proposal)
        elif existing.request_sha256 != digest:
            raise IdempotencyConflict(refund_id)
        return refunds.refund_view(session, caller, context.record.id, refund_id)


def _propose(hub: Hub, session: Session, context: RefundContext, proposal: Proposal) -> None:
    limits = limits_of(hub.adapters.get(proposal.collected.bank))
    propose(session, context, proposal, limits, at=hub.now(), chance=secrets.randbits(CHANCE_BITS))


def _refuse_proposal(caller: Caller, context: RefundContext, refundable: Money, amount: Money) -> None:
    now = Money(context.order.refundable, context.order.currency)
    if refundable != now:
        raise RefundableChanged(f"it is {now} {now.currency} now")
    if amount.minor <= 0:
        raise Malformed("nothing to refund", pointers={"/amount/amount": "Must be more than 0."})
    if now < amount:
        raise RefundExceeds(f"at most {now} {now.currency}")
    # Contradicting statements of banks must be looked into by a person first.
    if context.order.conflict and caller.role not in (Role.OFFICER, Role.OPERATOR):
        raise RefundBlocked("banks contradict each other about this order")


def approve_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> RefundView:
    """The refund, to be sent to its bank or carried out on paper. The route is decided now, because it changes when the
    agency receives the money.

    Raises MalformedReference, OrderNotFound, RefundNotFound; SamePerson for the proposer, whichever key they use;
    IllegalTransition when it is not proposed any more; RefundAboveLimit, MoneyNotSeen, RefundBlocked, RefundExceeds.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal approves no refunds")
    plain = parse_reference(reference)
    with hub.transaction() as session:
        context = refunds.lock_order(session, plain, caller, hub.checkout_url)
        refund = refunds.require(session, context.record.id, refund_id)
        life_of(Route(refund.route)).after(RefundState(refund.state), RefundEvent.APPROVED)
        collected = context.collection(refund.collection_id)
        _refuse_approval(caller, context, refund, collected)
        now = hub.now()
        today = business_day(now)
        limits = limits_of(hub.adapters.get(refund.bank))
        refund.route = route_for(context, collected, refund.amount, limits, today)
        refund.approved_by = caller.holder
        if refund.route != Route.BANK:
            voucher = voucher_of(
                Route(refund.route),
                context.record.view,
                context.voucher,
                voucher_payment(collected, context.order.currency),
                refund,
                today,
            )
            refund.voucher = to_wire(voucher)
        move_refund(session, refund, context, RefundEvent.APPROVED, Transition(caller.holder, now))
        return refunds.refund_view(session, caller, context.record.id, refund_id)


def _refuse_approval(caller: Caller, context: RefundContext, refund: Refund, collected: Collected) -> None:
    order, rules = context.order, context.rules
    if same_holder(refund.proposed_by, caller.holder):
        raise SamePerson(caller.holder)
    # The limit is of an order and not of a refund: many small refunds are a large one.
    over = rules.limit is not None and order.paid_back + refund.amount > rules.limit
    if over and caller.role is not Role.OPERATOR:
        agency = context.record.view.agency
        raise RefundAboveLimit(f"an officer refunds at most {rules.limit} of an order of {agency}")
    blocked = why_blocked(collected)
    if refund.proposed_by == THE_HUB:
        if not collected.seen and not rules.unseen:
            raise MoneyNotSeen(f"{collected.bank} {collected.bank_transaction_id}")
        blocked = blocked or _outdated(context, refund)
    if blocked:
        raise RefundBlocked(blocked)


def _outdated(context: RefundContext, refund: Refund) -> str | None:
    """Why a proposal of the hub does not hold any more: other money of the order may have been refunded since."""
    if context.order.conflict:
        return "banks contradict each other about this order"
    excess = excess_of(context.order, withdrawn=context.withdrawn)
    return f"only {excess} of the order is too much now" if excess < refund.amount else None


def decline_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str, reason: str) -> RefundView:
    """The declined refund. The proposer may take a proposal back in this way.

    Raises MalformedReference, OrderNotFound, RefundNotFound; IllegalTransition when it is not proposed any more;
    Malformed without a reason.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal declines no refunds")
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    plain = parse_reference(reference)
    with hub.transaction() as session:
        context = refunds.lock_order(session, plain, caller, hub.checkout_url)
        refund = refunds.require(session, context.record.id, refund_id)
        transition = Transition(caller.holder, hub.now(), note=reason.strip())
        move_refund(session, refund, context, RefundEvent.DECLINED, transition)
        return refunds.refund_view(session, caller, context.record.id, refund_id)


#: Recent confirmations are looked at often; all others once an hour, because money becomes too much long after it
#: came, when another order settles the obligation.
RECENT: Final = timedelta(minutes=10)
_LOOKED_BACK: Final = timedelta(days=366)
_PAGE: Final = 200


def propose_excess_refunds(hub: Hub, *, looked_back: timedelta = _LOOKED_BACK) -> int:
    """How many refunds of money that came twice, too much, or for a withdrawn obligation were proposed.

    Each order has its own transaction, and what was proposed once is not proposed again. An officer still has to
    approve each refund, by default only when the money stands in a statement.
    """
    since, after, proposed = hub.now() - looked_back, 0, 0
    while True:
        with hub.transaction() as session:
            page = refunds.orders_with_excess(session, since, after, _PAGE)
        for reference in dict.fromkeys(reference for _, reference in page):
            proposed += _propose_excess(hub, reference)
        if len(page) < _PAGE:
            return proposed
        after = page[-1][0]


def _propose_excess(hub: Hub, reference: str) -> int:
    with hub.transaction() as session:
        # Most orders have no excess and need no lock.
        if not _excess(hub, session, reference)[1]:
            return 0
        orders.lock(session, reference)
        context, excess = _excess(hub, session, reference)
        for part in excess:
            refund_id = f"{THE_HUB}:{part.collected.key}"
            proposal = Proposal(
                refund_id=refund_id,
                request_sha256=hashlib.sha256(refund_id.encode()).digest(),
                collected=part.collected,
                amount=part.amount,
                reason=part.reason,
                note="",
                proposed_by=THE_HUB,
                payee=payee_of(part.collected, None, THE_HUB),
            )
            _propose(hub, session, context, proposal)
            context = refunds.refund_context(session, reference, hub.checkout_url)
        return len(excess)


def _excess(hub: Hub, session: Session, reference: str) -> tuple[RefundContext, tuple[Excess, ...]]:
    context = refunds.refund_context(session, reference, hub.checkout_url)
    return context, excess_to_refund(context, refunds.proposed_of_order(session, context.record.id))


#: Longer than any agency waits for its money.
MOST_DAYS: Final = 366


def set_refund_rules(
    hub: Hub,
    *,
    agency: str,
    refund_limit: int | None,
    refund_unseen: bool,
    credited_after_days: int | None,
    voucher_form: str,
) -> None:
    """Set an agency's rules of refunding, all four at once. Raises AgencyNotFound, Malformed."""
    in_range = 0 <= (refund_limit or 0) <= MAX_MINOR and 0 <= (credited_after_days or 0) <= MOST_DAYS
    if not in_range or not voucher_form.strip():
        raise Malformed(
            f"a limit has at most {MAX_MINOR}, days are at most {MOST_DAYS}, and a form has a name"
        )
    with hub.transaction() as session:
        row = find_agency(session, agency)
        if row is None:
            raise AgencyNotFound(agency[:40])
        row.refund_limit = refund_limit
        row.refund_unseen = refund_unseen
        row.credited_after_days = credited_after_days
        row.voucher_form = voucher_form.strip()
