"""Write a proposal: the refund as it was asked for, and the sum reserved for it. The caller holds the lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from payment_hub.domain.bank_profile import Limits
from payment_hub.domain.day import business_day
from payment_hub.domain.references import new_refund_reference
from payment_hub.domain.refund import Reason, RefundEvent, RefundState, Route
from payment_hub.domain.refundable import Collected, is_credited, way
from payment_hub.store.refund_moves import Told, move
from payment_hub.store.refunds import OrderMoney
from payment_hub.store.tables import Refund


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, by whom."""

    refund_id: str
    asked_sha256: bytes
    collected: Collected
    amount: int
    reason: Reason
    words: str
    proposed_by: str
    payee: Mapping[str, Any] | None


def payee_of(collected: Collected, named: Mapping[str, Any] | None, by: str) -> Mapping[str, Any] | None:
    """The account that the money is to go to, and who told it: the bank that collected it, unless ``by`` names another.
    Whoever approves must see that, for a proposer may name their own."""
    if named is not None:
        return {**named, "told_by": by}
    return None if collected.payer is None else {**collected.payer, "told_by": f"bank:{collected.bank}"}


def propose(
    session: Session,
    known: OrderMoney,
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
        asked_sha256=proposal.asked_sha256,
        collection_id=collected.key,
        agency_id=row["agency_id"],
        bank=collected.bank,
        amount=proposal.amount,
        currency=row["currency"],
        reason=proposal.reason,
        words=proposal.words,
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
    move(session, refund, known, RefundEvent.PROPOSED, Told(proposal.proposed_by, at), checkout_url)


def route_now(
    known: OrderMoney, collected: Collected, amount: int, limits: Limits | None, at: datetime
) -> Route:
    """The way by which the money would go back at this moment. Raises RefundExceeds."""
    row = known.row
    return way(
        known.standing,
        collected,
        amount,
        credited=is_credited(collected, row["credited_after_days"], business_day(at)),
        treasury=row["treasury_sub_item"] is not None,
        limits=limits,
    )
