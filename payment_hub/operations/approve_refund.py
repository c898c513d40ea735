"""Approve a proposed refund: the second of two pairs of eyes. The money leaves its accounts."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.day import business_day
from payment_hub.domain.errors import Forbidden, MoneyNotSeen, RefundAboveLimit, RefundBlocked, SamePerson
from payment_hub.domain.keys import Caller, Role, same_holder
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refund import THE_HUB, RefundEvent, RefundState, Route, life_of
from payment_hub.domain.refund_views import RefundView
from payment_hub.domain.refundable import Collected, limits_of, too_much, why_blocked
from payment_hub.domain.voucher import voucher_of
from payment_hub.hub import Hub
from payment_hub.store import refund_lists, refunds
from payment_hub.store.refund_moves import Told, move
from payment_hub.store.refund_proposals import route_now
from payment_hub.store.refunds import OrderMoney
from payment_hub.store.tables import Refund


def approve_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> RefundView:
    """The refund, to be sent to its bank or carried out on paper. The way is decided now: money travels meanwhile.

    Raises MalformedReference, OrderNotFound, RefundNotFound; SamePerson for the proposer, whichever key they use;
    IllegalTransition when it is not proposed any more; RefundAboveLimit, MoneyNotSeen, RefundBlocked, RefundExceeds.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal approves no refunds")
    plain = parse_reference(reference)
    with hub.transaction() as session:
        known = refunds.lock_order(session, plain, caller)
        refund = refunds.require(session, known.row["order_id"], refund_id)
        life_of(Route(refund.route)).after(RefundState(refund.state), RefundEvent.APPROVED)
        collected = known.of(refund.collection_id)
        _refuse(caller, known, refund, collected)
        now, limits = hub.now(), limits_of(hub.adapters.get(refund.bank))
        refund.route = route_now(known, collected, refund.amount, limits, now)
        refund.approved_by = caller.holder
        if refund.route != Route.BANK:
            _write_paper(refund, known, collected, business_day(now))
        move(session, refund, known, RefundEvent.APPROVED, Told(caller.holder, now), hub.checkout_url)
        return refund_lists.one(session, caller, known.row["order_id"], refund_id)


def _refuse(caller: Caller, known: OrderMoney, refund: Refund, collected: Collected) -> None:
    row = known.row
    if same_holder(refund.proposed_by, caller.holder):
        raise SamePerson(caller.holder)
    # Of an order, not of a refund: many small ones are a large one.
    limit, whole = row["refund_limit"], known.standing.given_back + refund.amount
    if caller.role is not Role.OPERATOR and limit is not None and whole > limit:
        raise RefundAboveLimit(f"an officer gives back at most {limit} of an order of {row['agency']}")
    if refund.proposed_by == THE_HUB and not collected.seen and not row["refund_unseen"]:
        raise MoneyNotSeen(f"{collected.bank} {collected.bank_transaction_id}")
    blocked = why_blocked(collected) or (_stale(known, refund) if refund.proposed_by == THE_HUB else None)
    if blocked:
        raise RefundBlocked(blocked)


def _stale(known: OrderMoney, refund: Refund) -> str | None:
    """Why what the hub proposed is not so any more: other money of the order may have gone back since."""
    if known.standing.conflict:
        return "banks contradict each other about this order"
    left = too_much(known.standing, withdrawn=known.row["withdrawn"])
    return f"only {left} of the order is too much now" if left < refund.amount else None


def _write_paper(refund: Refund, known: OrderMoney, collected: Collected, on: date) -> None:
    asked = {
        name: getattr(refund, name)
        for name in ("reference", "amount", "reason", "words", "payee", "proposed_by", "approved_by")
    }
    refund.voucher = voucher_of(Route(refund.route), known.row, collected, asked, on)
