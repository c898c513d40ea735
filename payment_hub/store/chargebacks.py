"""Questions about what banks took back by themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payment_hub.domain.money import Money
from payment_hub.domain.refundable import Collected
from payment_hub.store.refunds import OrderMoney
from payment_hub.store.tables import Chargeback, Collection, PaymentOrder


def collection(session: Session, bank: str, bank_transaction_id: str) -> tuple[int, str] | None:
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


def find(session: Session, collection_id: int, evidence: str) -> Chargeback | None:
    """The chargeback that this evidence shows."""
    asked = select(Chargeback).where(
        Chargeback.collection_id == collection_id, Chargeback.evidence == evidence
    )
    return session.scalar(asked)


def of(session: Session, collection_id: int) -> int:
    """All that the bank has taken back of this money, whether or not it was still here."""
    asked = select(func.coalesce(func.sum(Chargeback.amount), 0))
    return int(session.execute(asked.where(Chargeback.collection_id == collection_id)).scalar_one())


def told(taken: Chargeback) -> Money:
    """What the evidence shows that the bank took."""
    return Money(taken.amount, taken.currency)


def add(
    session: Session,
    known: OrderMoney,
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
