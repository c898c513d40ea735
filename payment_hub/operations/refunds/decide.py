"""Propose that money goes back: the sum is reserved, and another person must approve it.

Approve a proposed refund: the second of two pairs of eyes. The money leaves its accounts.

Decline a proposed refund, with a reason: its sum is free again.

Propose by itself to give back what came twice, too much, or for what is withdrawn.

Set an agency's rules of giving money back.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
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
    excess,
    limits_of,
    money_to_return,
    too_much,
    why_blocked,
)
from payment_hub.domain.refunds.lifecycle import (
    THE_HUB,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
    life_of,
)
from payment_hub.domain.refunds.views import RefundView
from payment_hub.domain.refunds.vouchers import voucher_of
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds
from payment_hub.store.access import find_agency
from payment_hub.store.refund_writes import Proposal, Transition, move_refund, payee_of, propose, route_now
from payment_hub.store.refunds import RefundContext
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
    asked = repr((caller.name, refundable, amount, reason, note, collection, payee and sorted(payee.items())))
    digest = hashlib.sha256(asked.encode()).digest()
    with hub.transaction() as session:
        known = refunds.lock_order(session, plain, caller)
        earlier = refunds.find(session, known.row["order_id"], refund_id)
        if earlier is None:
            _refuse_proposal(caller, known, refundable, amount)
            money = money_to_return(known.money, amount.minor, collection, reason)
            to = payee_of(money, payee, caller.name)
            proposal = Proposal(refund_id, digest, money, amount.minor, reason, note, caller.holder, to)
            by_bank = limits_of(hub.adapters.get(money.bank))
            now, chance = hub.now(), secrets.randbits(CHANCE_BITS)
            propose(session, known, proposal, by_bank, at=now, chance=chance, checkout_url=hub.checkout_url)
        elif earlier.request_sha256 != digest:
            raise IdempotencyConflict(refund_id)
        return refunds.refund_view(session, caller, known.row["order_id"], refund_id)


def _refuse_proposal(caller: Caller, known: RefundContext, refundable: Money, amount: Money) -> None:
    now = Money(known.refundable, known.row["currency"])
    if refundable != now:
        raise RefundableChanged(f"it is {now} {now.currency} now")
    if amount.minor <= 0:
        raise Malformed("nothing to give back", pointers={"/amount/amount": "Must be more than 0."})
    if now < amount:
        raise RefundExceeds(f"at most {now} {now.currency}")
    # What a bank has told in two ways only a person may decide about, who has looked into it.
    if known.standing.conflict and caller.role not in (Role.OFFICER, Role.OPERATOR):
        raise RefundBlocked("banks contradict each other about this order")


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
        _refuse_approval(caller, known, refund, collected)
        now, limits = hub.now(), limits_of(hub.adapters.get(refund.bank))
        refund.route = route_now(known, collected, refund.amount, limits, now)
        refund.approved_by = caller.holder
        if refund.route != Route.BANK:
            _write_paper(refund, known, collected, business_day(now))
        move_refund(
            session, refund, known, RefundEvent.APPROVED, Transition(caller.holder, now), hub.checkout_url
        )
        return refunds.refund_view(session, caller, known.row["order_id"], refund_id)


def _refuse_approval(caller: Caller, known: RefundContext, refund: Refund, collected: Collected) -> None:
    row = known.row
    if same_holder(refund.proposed_by, caller.holder):
        raise SamePerson(caller.holder)
    # Of an order, not of a refund: many small ones are a large one.
    limit, whole = row["refund_limit"], known.standing.paid_back + refund.amount
    if caller.role is not Role.OPERATOR and limit is not None and whole > limit:
        raise RefundAboveLimit(f"an officer gives back at most {limit} of an order of {row['agency']}")
    if refund.proposed_by == THE_HUB and not collected.seen and not row["refund_unseen"]:
        raise MoneyNotSeen(f"{collected.bank} {collected.bank_transaction_id}")
    blocked = why_blocked(collected) or (_stale(known, refund) if refund.proposed_by == THE_HUB else None)
    if blocked:
        raise RefundBlocked(blocked)


def _stale(known: RefundContext, refund: Refund) -> str | None:
    """Why what the hub proposed is not so any more: other money of the order may have gone back since."""
    if known.standing.conflict:
        return "banks contradict each other about this order"
    left = too_much(known.standing, withdrawn=known.row["withdrawn"])
    return f"only {left} of the order is too much now" if left < refund.amount else None


def _write_paper(refund: Refund, known: RefundContext, collected: Collected, on: date) -> None:
    asked = {
        name: getattr(refund, name)
        for name in ("reference", "amount", "reason", "note", "payee", "proposed_by", "approved_by")
    }
    refund.voucher = to_wire(voucher_of(Route(refund.route), known.row, collected, asked, on))


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
        known = refunds.lock_order(session, plain, caller)
        refund = refunds.require(session, known.row["order_id"], refund_id)
        told = Transition(caller.holder, hub.now(), note=reason.strip())
        move_refund(session, refund, known, RefundEvent.DECLINED, told, hub.checkout_url)
        return refunds.refund_view(session, caller, known.row["order_id"], refund_id)


#: What was told within this time is looked at often; the rest once an hour, because money becomes too much long after
#: it came: another order may settle what it was paid for.
RECENT: Final = timedelta(minutes=10)
_LOOKED_BACK: Final = timedelta(days=366)
_PAGE: Final = 200


def propose_excess_refunds(hub: Hub, *, looked_back: timedelta = _LOOKED_BACK) -> int:
    """How many refunds were proposed. Each order in its own transaction; what was proposed once is not again.

    An officer still has to approve each, and as a rule only when the money stands in a statement.
    """
    since, after, made = hub.now() - looked_back, 0, 0
    while True:
        with hub.transaction() as session:
            found = refunds.with_excess(session, since, after, _PAGE)
        made += sum(_propose_for(hub, reference) for reference in dict.fromkeys(name for _, name in found))
        if len(found) < _PAGE:
            return made
        after = found[-1][0]


def _propose_for(hub: Hub, reference: str) -> int:
    with hub.transaction() as session:
        # Most have nothing too much: nobody is kept waiting for them.
        if not _found(session, reference)[1]:
            return 0
        orders.lock(session, reference)
        known, found = _found(session, reference)
        for one in found:
            limits = limits_of(hub.adapters.get(one.collected.bank))
            chance = secrets.randbits(CHANCE_BITS)
            propose(
                session,
                known,
                _proposal(one),
                limits,
                at=hub.now(),
                chance=chance,
                checkout_url=hub.checkout_url,
            )
            known = refunds.refund_context(session, reference)
        return len(found)


def _found(session: Session, reference: str) -> tuple[RefundContext, tuple[Excess, ...]]:
    known = refunds.refund_context(session, reference)
    proposed = refunds.proposed_of(session, known.row["order_id"])
    return known, excess(known.standing, known.money, proposed, withdrawn=known.row["withdrawn"])


def _proposal(one: Excess) -> Proposal:
    refund_id = f"{THE_HUB}:{one.collected.key}"
    return Proposal(
        refund_id=refund_id,
        request_sha256=hashlib.sha256(refund_id.encode()).digest(),
        collected=one.collected,
        amount=one.amount,
        reason=one.reason,
        note="",
        proposed_by=THE_HUB,
        payee=payee_of(one.collected, None, THE_HUB),
    )


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
    """All four at once, as the columns of the agency say. Raises AgencyNotFound, Malformed."""
    in_range = 0 <= (refund_limit or 0) <= MAX_MINOR and 0 <= (credited_after_days or 0) <= MOST_DAYS
    if not in_range or not voucher_form.strip():
        raise Malformed(
            f"a limit has at most {MAX_MINOR}, days are at most {MOST_DAYS}, and a form has a name"
        )
    with hub.transaction() as session:
        found = find_agency(session, agency)
        if found is None:
            raise AgencyNotFound(agency[:40])
        found.refund_limit = refund_limit
        found.refund_unseen = refund_unseen
        found.credited_after_days = credited_after_days
        found.voucher_form = voucher_form.strip()
