"""Payment attempts: one try at paying one order through one bank, and the choice of that bank."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.payments import DECIDED, UNDER_WAY, AttemptState, Awaiting
from payment_hub.domain.routing import Rule
from payment_hub.store.tables.base import (
    APPEND_ONLY,
    Base,
    Currency,
    Dong,
    Key,
    Moment,
    OrderKey,
    none_of,
    one_of,
)

_UNDER_WAY = one_of("state", UNDER_WAY)

#: Attempts that await a confirmation or a capture; the SQL twin of ``store.payments.is_awaiting``.
AWAITING = (
    f"awaiting = '{Awaiting.CONFIRMATION}' AND state <> '{AttemptState.SUCCEEDED}' "
    f"OR awaiting = '{Awaiting.CAPTURE}' AND {none_of('state', DECIDED)}"
)


class PaymentAttempt(Base):
    """One try. Its reference is stored before the bank is called, so that a query is possible after a crash."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        UniqueConstraint("reference"),
        CheckConstraint(one_of("state", AttemptState), name="state"),
        Index(
            "uq_payment_attempt_one_under_way",
            "order_id",
            unique=True,
            postgresql_where=text(_UNDER_WAY),
        ),
        CheckConstraint(one_of("awaiting", Awaiting), name="awaiting"),
        Index("ix_payment_attempt_awaiting", "bank", "query_at", postgresql_where=text(AWAITING)),
        Index(
            "ix_payment_attempt_unknown_at",
            "unknown_at",
            postgresql_where=text(f"unknown_at IS NOT NULL AND {_UNDER_WAY}"),
        ),
        Index("ix_payment_attempt_resolved", "changed_at", postgresql_where=text("unknown_at IS NOT NULL")),
        Index("ix_payment_attempt_contradicted", "changed_at", postgresql_where=text("contradicted")),
        Index(
            "ix_payment_attempt_query_at",
            "bank",
            "query_at",
            postgresql_where=text(_UNDER_WAY),
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
    """The bank has reported both PAID and DECLINED; the money counts, an officer must look."""
    started_at: Mapped[Moment]
    changed_at: Mapped[Moment]
    queries: Mapped[int] = mapped_column(server_default=text("0"))
    query_at: Mapped[Moment]
    """When the bank is queried next; a lease while a query runs."""
    queried_at: Mapped[datetime | None]
    """When the last query began, by the schedule or before another operation."""
    awaiting: Mapped[str | None]
    """What a callback reported and a query must confirm: a payment, or money that the bank holds."""
    moving_until: Mapped[datetime | None]
    """A lease: until then one process alone captures or cancels the money that the bank holds."""
    unknown_at: Mapped[datetime | None]
    """Since when the outcome is unknown although it should not be."""
    expected_by: Mapped[datetime | None]
    """When the outcome was expected, as callers were shown it."""
    resolved_at: Mapped[datetime | None]
    """When it stopped being unknown without an outcome: the bank gave the instructions after all."""
    escalated_at: Mapped[datetime | None]
    """Since when an officer must see to it."""


class BankChoice(Base):
    """Why an attempt goes through its bank: the facts of that moment, and the rule that decided."""

    __tablename__ = "bank_choice"
    __table_args__ = (
        CheckConstraint(one_of("rule", Rule), name="rule"),
        UniqueConstraint("attempt_id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    order_id: Mapped[OrderKey]
    attempt_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payment_attempt.id"))
    bank: Mapped[str]
    rule: Mapped[str]
    offered: Mapped[int]
    """Out of how many."""
    facts: Mapped[dict[str, Any]]
    chosen_at: Mapped[Moment]


class AttemptEnding(Base):
    """An officer's statement, with a reason, that an attempt of unknown outcome has taken no money."""

    __tablename__ = "attempt_ending"
    __table_args__ = ({"info": {APPEND_ONLY: True}},)

    id: Mapped[Key]
    attempt_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payment_attempt.id"))
    ended_by: Mapped[str]
    reason: Mapped[str]
    ended_at: Mapped[Moment]
