"""Let something happen to a refund: its state, its history, its order's sums, the book, the receipt that may follow,
and the event that tells it, all in the caller's transaction. The caller holds the obligation's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payment_hub.domain.belonging import leaving, settling_in, without
from payment_hub.domain.day import business_day
from payment_hub.domain.errors import RefundExceeds
from payment_hub.domain.ledger import Account, Transfer
from payment_hub.domain.money import Money
from payment_hub.domain.notice import EventType
from payment_hub.domain.refund import EFFECTS, Effect, RefundEvent, RefundState, Route, life_of, paid_from
from payment_hub.domain.refundable import Collected
from payment_hub.domain.standing import OrderStanding
from payment_hub.domain.views import wire_money
from payment_hub.store import postings
from payment_hub.store.order_sums import change_sums
from payment_hub.store.refunds import OrderMoney
from payment_hub.store.tables import Chargeback, Posting, Refund, RefundEventRecord

#: Where postings come from; ``source_id`` is the key of the refund or chargeback.
LEFT, PAID, RETURNED, TAKEN_BACK = "refund", "refund_paid", "refund_failed", "chargeback"


@dataclass(frozen=True, slots=True)
class Told:
    """Who says what happened, when, and on what grounds."""

    actor: str
    at: datetime
    code: str = ""
    words: str = ""
    evidence: Mapping[str, Any] | None = None


def move(
    session: Session,
    refund: Refund,
    known: OrderMoney,
    event: RefundEvent,
    told: Told,
    checkout_url: Callable[[str], str],
) -> None:
    """Let ``event`` happen to the refund. Raises IllegalTransition; RefundExceeds when the accounts do not hold it."""
    if event is not RefundEvent.PROPOSED:
        refund.state = life_of(Route(refund.route)).after(RefundState(refund.state), event)
    refund.changed_at = told.at
    session.flush()
    note(session, refund, event, told)
    effect = EFFECTS.get(event)
    if effect is None:
        return
    accepted = known.of(refund.collection_id).accepted
    before = known.standing
    if event is RefundEvent.FAILED:
        before = _reversed(session, refund, before, told)
    after = replace(
        without(before, effect.given_back * refund.amount, accepted=accepted),
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
        shown=_shown(refund),
    )


def note(session: Session, refund: Refund, event: RefundEvent, told: Told) -> None:
    """Add to a refund's history what happened to it."""
    record = RefundEventRecord(
        refund_id=refund.id,
        event=event,
        state=refund.state,
        actor=told.actor,
        code=told.code,
        words=told.words,
        happened_at=told.at,
    )
    if told.evidence is not None:
        record.evidence = dict(told.evidence)
    session.add(record)
    session.flush()


def take_back(
    session: Session,
    taken: Chargeback,
    known: OrderMoney,
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
    money = {"bank": taken.bank, "source": TAKEN_BACK, "source_id": taken.id, "moved": moved}
    effect = Effect(refunded=1, given_back=1, told=EventType.DISPUTED)
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
    event: RefundEvent, refund: Refund, before: OrderStanding, after: OrderStanding, accepted: bool
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


def _reversed(session: Session, refund: Refund, order: OrderStanding, told: Told) -> OrderStanding:
    """Post the mirror images of how it left, so that it is in the accounts from which it came."""
    posted = dict(order.posted)
    asked = select(Posting).where(Posting.source_type == LEFT, Posting.source_id == refund.id)
    for posting in session.scalars(asked.order_by(Posting.id)).all():
        reason = f"{refund.reference} {told.code or told.words}".strip()
        if postings.reverse(session, posting, reason[:200], business_day(told.at), told.at) is None:
            continue  # an operator has done it by hand
        for account, amount in ((posting.debit, posting.amount), (posting.credit, -posting.amount)):
            if Account(account) in posted:
                posted[Account(account)] += amount
    return replace(order, posted=posted)


def _shown(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "reference": refund.reference,
        "state": refund.state,
        "amount": wire_money(Money(refund.amount, refund.currency)),
        "reason": refund.reason,
    }
