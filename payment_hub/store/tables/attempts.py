"""Payment attempts: one try at paying one order through one bank."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.payment_attempt import AttemptState
from payment_hub.store.tables.base import Base, Currency, Dong, Key, Moment, OrderKey, one_of


class PaymentAttempt(Base):
    """One try. Its reference is stored before the bank is called, so that a crash leaves something to ask about."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        UniqueConstraint("reference"),
        CheckConstraint(one_of("state", AttemptState), name="state"),
        Index(
            "uq_payment_attempt_one_under_way",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
        ),
        Index("ix_payment_attempt_contradicted", "changed_at", postgresql_where=text("contradicted")),
        Index(
            "ix_payment_attempt_ask_at",
            "ask_at",
            postgresql_where=text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
        ),
    )

    id: Mapped[Key]
    order_id: Mapped[OrderKey]
    number: Mapped[int]
    reference: Mapped[str]
    bank: Mapped[str]
    state: Mapped[str]
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    instructions: Mapped[dict[str, Any] | None]
    bank_reference: Mapped[str | None]
    contradicted: Mapped[bool] = mapped_column(server_default=text("false"))
    """The bank has said both PAID and DECLINED; the money counts, an officer must look."""
    started_at: Mapped[Moment]
    changed_at: Mapped[Moment]
    asked: Mapped[int] = mapped_column(server_default=text("0"))
    ask_at: Mapped[Moment]
    """When the bank is to be asked next; a lease while somebody is asking."""
