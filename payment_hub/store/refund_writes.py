"""Write an order's new sums when money goes back, with all that follows: the book, the receipt that may follow, and the
events that tell it. The caller holds the obligation's lock.

Let something happen to a refund: its state, its history, its order's sums, the book, the receipt that may follow,
and the event that tells it, all in the caller's transaction. The caller holds the obligation's lock.

Write a proposal: the refund as it was asked for, and the sum reserved for it. The caller holds the lock.

Questions about what banks took back by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import RefundExceeds
from payment_hub.domain.ledger import Account, Transfer
from payment_hub.domain.money import Money
from payment_hub.domain.orders import EventType
from payment_hub.domain.receipts import yearly_series
from payment_hub.domain.references import new_refund_reference
from payment_hub.domain.refunds.eligibility import Collected, is_credited, method_of
from payment_hub.domain.refunds.lifecycle import (
    EFFECTS,
    Effect,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
    life_of,
    paid_from,
)
from payment_hub.domain.settlement import OrderSnapshot, leaving, settling_in, totals_after, without
from payment_hub.domain.webhooks import RefundChange, changed_order
from payment_hub.domain.wire import to_wire
from payment_hub.store import ledger
from payment_hub.store.order_writes import EVENTS, RECEIPT
from payment_hub.store.orders import order_view
from payment_hub.store.refunds import RefundContext
from payment_hub.store.tables import Chargeback, Collection, PaymentOrder, Posting, Refund, RefundEventRecord

_CHANGE: Final = f"""
WITH gate AS (
    UPDATE payment_order SET refunded = %(refunded)s, held_refund = %(held_refund)s, paid_back = %(paid_back)s,
        paid_back_accepted = %(paid_back_accepted)s, disputed = %(disputed)s, held = %(held)s,
        sequence = %(sequence)s
    WHERE id = %(order_id)s::bigint
    RETURNING id
),
settled AS (
    UPDATE obligation SET settled_by = %(order_id)s::bigint WHERE id = %(obligation_id)s::bigint AND %(receipt)s
),
posted AS (
    INSERT INTO posting (source_type, source_id, kind, debit, credit, amount, currency, agency_id, bank, order_id, day,
        posted_at)
    SELECT %(source)s, %(source_id)s::bigint, t.kind, t.debit, t.credit, t.amount, %(order_currency)s,
        %(agency_id)s::bigint, %(bank)s, %(order_id)s::bigint, %(day)s::date, %(now)s::timestamptz
    FROM gate, unnest(%(kinds)s::text[], %(debits)s::text[], %(credits)s::text[], %(amounts)s::bigint[])
        AS t (kind, debit, credit, amount)
), {RECEIPT}, {EVENTS}
SELECT count(*) FROM gate"""


def change_sums(
    session: Session,
    known: RefundContext,
    order: OrderSnapshot,
    *,
    held_refund: int,
    effect: Effect,
    at: datetime,
    checkout_url: Callable[[str], str],
    money: Mapping[str, Any],
    refund: RefundChange | None = None,
) -> None:
    """Write the order's new sums with all that follows from them."""
    row, after = known.row, totals_after(order)
    sums = {
        "refunded": order.refunded,
        "held_refund": held_refund,
        "paid_back": order.paid_back,
        "paid_back_accepted": order.paid_back_accepted,
        "disputed": row["disputed"] or effect.event is EventType.DISPUTED,
        "held": after.held,
    }
    receipt = after.settled and not order.has_receipt
    types = [effect.event] if effect.event else []
    # Money that came back may complete a payment: then its order is paid now, and the portal is told so too.
    types += [EventType.PAID] if receipt else []
    sequence = row["sequence"] + len(types)
    view = order_view(row, checkout_url(row["reference"]), **sums, sequence=sequence)
    told = {
        "receipt": receipt,
        "types": types,
        "data": json.dumps(to_wire(changed_order(view, refund)), ensure_ascii=False),
        "sequence": sequence,
        "first_sequence": sequence - len(types) + 1,
    }
    session.connection().exec_driver_sql(_CHANGE, _facts(row, at) | _posted(money) | sums | told)


def _facts(row: Mapping[Any, Any], at: datetime) -> dict[str, Any]:
    """What the statement must know of the order, and of the moment."""
    return {
        **{name: row[name] for name in ("order_id", "obligation_id", "agency_id", "portal_id")},
        "order_currency": row["currency"],
        "paid_in": row["required"],
        "template": row["receipt_template"],
        "series": yearly_series(row["receipt_series"], business_day(at).year),
        "day": business_day(at),
        "now": at,
    }


def _posted(money: Mapping[str, Any]) -> dict[str, Any]:
    """What it posts."""
    moved: Sequence[Transfer] = money["moved"]
    return {
        **{name: money[name] for name in ("bank", "source", "source_id")},
        "kinds": [transfer.kind for transfer in moved],
        "debits": [transfer.debit for transfer in moved],
        "credits": [transfer.credit for transfer in moved],
        "amounts": [transfer.amount for transfer in moved],
    }


#: Where postings come from; ``source_id`` is the key of the refund or chargeback.
LEFT, PAID, RETURNED, CHARGEBACK = "refund", "refund_paid", "refund_failed", "chargeback"


@dataclass(frozen=True, slots=True)
class Transition:
    """Who says what happened, when, and on what grounds."""

    actor: str
    at: datetime
    code: str = ""
    note: str = ""
    evidence: Mapping[str, Any] | None = None


def move_refund(
    session: Session,
    refund: Refund,
    known: RefundContext,
    event: RefundEvent,
    told: Transition,
    checkout_url: Callable[[str], str],
) -> None:
    """Let ``event`` happen to the refund. Raises IllegalTransition; RefundExceeds when the accounts do not hold it."""
    if event is not RefundEvent.PROPOSED:
        refund.state = life_of(Route(refund.route)).after(RefundState(refund.state), event)
    refund.changed_at = told.at
    session.flush()
    note_refund(session, refund, event, told)
    effect = EFFECTS.get(event)
    if effect is None:
        return
    accepted = known.of(refund.collection_id).accepted
    before = known.standing
    if event is RefundEvent.FAILED:
        before = _reversed(session, refund, before, told)
    after = replace(
        without(before, effect.paid_back * refund.amount, accepted=accepted),
        refunded=before.refunded + effect.refunded * refund.amount,
    )
    source, moved = _postings(event, refund, before, after, accepted)
    held = known.row["held_refund"] + effect.held * refund.amount
    money = {"bank": refund.bank, "source": source, "source_id": refund.id, "moved": moved}
    change_sums(
        session,
        known,
        after,
        held_refund=held,
        effect=effect,
        at=told.at,
        checkout_url=checkout_url,
        money=money,
        refund=_change_of(refund),
    )


def note_refund(session: Session, refund: Refund, event: RefundEvent, told: Transition) -> None:
    """Add to a refund's history what happened to it."""
    record = RefundEventRecord(
        refund_id=refund.id,
        event=event,
        state=refund.state,
        actor=told.actor,
        code=told.code,
        note=told.note,
        happened_at=told.at,
    )
    if told.evidence is not None:
        record.evidence = dict(told.evidence)
    session.add(record)
    session.flush()


def charge_back(
    session: Session,
    taken: Chargeback,
    known: RefundContext,
    collected: Collected,
    at: datetime,
    checkout_url: Callable[[str], str],
) -> None:
    """Let a bank have taken money back by itself, as far as it was still here.

    Raises RefundExceeds when the accounts do not hold it.
    """
    before, amount = known.standing, taken.amount - taken.excess
    to = Account.BANK_CLEARING
    moved = _whole(leaving(before, amount, accepted=collected.accepted, to=to), amount, to)
    after = replace(without(before, amount, accepted=collected.accepted), refunded=before.refunded + amount)
    money = {"bank": taken.bank, "source": CHARGEBACK, "source_id": taken.id, "moved": moved}
    effect = Effect(refunded=1, paid_back=1, event=EventType.DISPUTED)
    change_sums(
        session,
        known,
        after,
        held_refund=known.row["held_refund"],
        effect=effect,
        at=at,
        checkout_url=checkout_url,
        money=money,
    )


def _postings(
    event: RefundEvent, refund: Refund, before: OrderSnapshot, after: OrderSnapshot, accepted: bool
) -> tuple[str, Sequence[Transfer]]:
    """What moves in the book. What has come back settles where it belongs now."""
    clearing = Account.REFUND_CLEARING
    match event:
        case RefundEvent.APPROVED:
            moved = leaving(before, refund.amount, accepted=accepted, to=clearing)
            return LEFT, _whole(moved, refund.amount, clearing)
        case RefundEvent.RETURNED:
            paid = paid_from(Route(refund.route))
            return PAID, [Transfer(f"{clearing}>{paid}", clearing, paid, refund.amount)]
        case RefundEvent.FAILED:
            return RETURNED, settling_in(after)
        case _:
            return LEFT, ()


def _whole(moved: Sequence[Transfer], amount: int, to: Account) -> Sequence[Transfer]:
    left = sum(transfer.amount for transfer in moved if transfer.credit is to)
    if left != amount:
        raise RefundExceeds(f"the order's accounts hold {left}")
    return moved


def _reversed(session: Session, refund: Refund, order: OrderSnapshot, told: Transition) -> OrderSnapshot:
    """Post the mirror images of how it left, so that it is in the accounts from which it came."""
    posted = dict(order.posted)
    asked = select(Posting).where(Posting.source_type == LEFT, Posting.source_id == refund.id)
    for posting in session.scalars(asked.order_by(Posting.id)).all():
        reason = f"{refund.reference} {told.code or told.note}".strip()
        if ledger.reverse_posting(session, posting, reason[:200], business_day(told.at), told.at) is None:
            continue  # an operator has done it by hand
        for account, amount in ((posting.debit, posting.amount), (posting.credit, -posting.amount)):
            if Account(account) in posted:
                posted[Account(account)] += amount
    return replace(order, posted=posted)


def _change_of(refund: Refund) -> RefundChange:
    return RefundChange(
        refund_id=refund.refund_id,
        reference=refund.reference,
        state=RefundState(refund.state),
        amount=Money(refund.amount, refund.currency),
        reason=RefundReason(refund.reason),
    )


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
    """The account that the money is to go to, and who told it: the bank that collected it, unless ``by`` names another.
    Whoever approves must see that, for a proposer may name their own."""
    if named is not None:
        return {**named, "stated_by": by}
    return None if collected.payer is None else {**collected.payer, "stated_by": f"bank:{collected.bank}"}


def propose(
    session: Session,
    known: RefundContext,
    proposal: Proposal,
    limits: Limits | None,
    *,
    at: datetime,
    chance: int,
    checkout_url: Callable[[str], str],
) -> None:
    """Add the refund and reserve its sum. ``limits`` are those of a bank that gives back, ``chance`` 25 random bits.

    Raises RefundExceeds.
    """
    row, collected = known.row, proposal.collected
    refund = Refund(
        reference=new_refund_reference(at, chance),
        order_id=row["order_id"],
        refund_id=proposal.refund_id,
        request_sha256=proposal.request_sha256,
        collection_id=collected.key,
        agency_id=row["agency_id"],
        bank=collected.bank,
        amount=proposal.amount,
        currency=row["currency"],
        reason=proposal.reason,
        note=proposal.note,
        route=route_now(known, collected, proposal.amount, limits, at),
        proposed_by=proposal.proposed_by,
        state=RefundState.PROPOSED,
        proposed_at=at,
        changed_at=at,
    )
    if proposal.payee is not None:
        refund.payee = dict(proposal.payee)
    session.add(refund)
    session.flush()
    move_refund(
        session, refund, known, RefundEvent.PROPOSED, Transition(proposal.proposed_by, at), checkout_url
    )


def route_now(
    known: RefundContext, collected: Collected, amount: int, limits: Limits | None, at: datetime
) -> Route:
    """The way by which the money would go back at this moment. Raises RefundExceeds."""
    row = known.row
    return method_of(
        known.standing,
        collected,
        amount,
        credited=is_credited(collected, row["credited_after_days"], business_day(at)),
        treasury=row["treasury_sub_item"] is not None,
        limits=limits,
    )


def find_collection(session: Session, bank: str, bank_transaction_id: str) -> tuple[int, str] | None:
    """The key of the money that a bank transaction brought in its order's currency, and the order's reference."""
    asked = (
        select(Collection.id, PaymentOrder.reference)
        .join(PaymentOrder, PaymentOrder.id == Collection.order_id)
        .where(
            Collection.bank == bank,
            Collection.bank_transaction_id == bank_transaction_id,
            Collection.currency == PaymentOrder.currency,
        )
    )
    found = session.execute(asked).one_or_none()
    return None if found is None else (found.id, found.reference)


def find_chargeback(session: Session, collection_id: int, evidence: str) -> Chargeback | None:
    """The chargeback that this evidence shows."""
    asked = select(Chargeback).where(
        Chargeback.collection_id == collection_id, Chargeback.evidence == evidence
    )
    return session.scalar(asked)


def chargebacks_of(session: Session, collection_id: int) -> int:
    """All that the bank has taken back of this money, whether or not it was still here."""
    asked = select(func.coalesce(func.sum(Chargeback.amount), 0))
    return int(session.execute(asked.where(Chargeback.collection_id == collection_id)).scalar_one())


def reported_excess(taken: Chargeback) -> Money:
    """What the evidence shows that the bank took."""
    return Money(taken.amount, taken.currency)


def add_chargeback(
    session: Session,
    known: RefundContext,
    money: Collected,
    amount: Money,
    excess: int,
    evidence: str,
    *,
    by: str,
    at: datetime,
) -> Chargeback:
    """Keep the fact."""
    taken = Chargeback(
        collection_id=money.key,
        order_id=known.row["order_id"],
        bank=money.bank,
        amount=amount.minor,
        excess=excess,
        currency=amount.currency,
        evidence=evidence,
        stated_by=by,
        stated_at=at,
    )
    session.add(taken)
    session.flush()
    return taken
