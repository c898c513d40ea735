"""Facts that may arrive in any order, and the hub's end after one order of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.histories.state import money_of
from tests.worlds.orders import a_portal, an_agency, an_obligation, an_order, confirmation, receive


@dataclass(frozen=True, slots=True)
class Fact:
    """What one bank says of one transaction, with its own moment in hours after the order was issued."""

    transaction: str
    amount: int = 150_000
    bank: str = "standin"
    hours: float = 1
    currency: str = "VND"
    outcome: Outcome = Outcome.PAID
    event: str = ""
    order: str = "new"
    """``new``, ``old`` (expired before, of the same obligation) or anything that a payer may type."""


Act = Fact | Callable[[Hub], Any]
EXPIRE: Act = expire_orders


def empty(hub: Hub) -> None:
    """Forget everything, as at the beginning of a test."""
    with hub.transaction() as session:
        found = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = ", ".join(name for name in found if name != "alembic_version")
        session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


def end_after(hub: Hub, clock: StoppedClock, acts: Sequence[Act], *, old: bool = False, **policy: Any) -> Any:
    """How the money stands when all of this has arrived, in this order, two days after the order was issued."""
    empty(hub)
    began = clock.moment
    agency, portal = an_agency(hub, **policy), a_portal(hub)
    obligation = an_obligation(hub, agency)
    orders: dict[str, str] = {}
    if old:
        orders["old"] = an_order(hub, agency, portal, obligation=obligation, minutes=10)["reference"]
        clock.advance(minutes=11)
        expire_orders(hub)
    orders["new"] = an_order(hub, agency, portal, obligation=obligation)["reference"]
    start_payment(hub, reference=orders["new"], bank="standin", payer_ip="203.0.113.9", language="vi")
    clock.advance(days=2)
    for act in acts:
        if isinstance(act, Fact):
            _hear(hub, act, orders, began)
        else:
            act(hub)
    clock.moment = began
    return money_of(hub)


def _hear(hub: Hub, fact: Fact, orders: dict[str, str], began: Any) -> None:
    paid = fact.outcome is Outcome.PAID
    receive(
        hub,
        confirmation(
            orders.get(fact.order, fact.order),
            Money(fact.amount, fact.currency) if paid else None,
            bank=fact.bank,
            event_id=fact.event or f"e-{fact.transaction}-{fact.outcome}",
            outcome=fact.outcome,
            bank_transaction_id=fact.transaction if paid else None,
            paid_at=began + timedelta(hours=fact.hours) if paid else None,
        ),
    )
