"""The state of banks: a circuit breaker for each operation, and announced downtimes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.banks.health import BankOperation, HealthState
from payment_hub.store.tables.base import Base, Key, Moment, one_of


class BankHealth(Base):
    """One circuit breaker, shared by all processes. A bank that has always answered has no row."""

    __tablename__ = "bank_health"
    __table_args__ = (
        CheckConstraint(one_of("operation", BankOperation), name="operation"),
        CheckConstraint(one_of("state", HealthState), name="state"),
    )

    bank: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=HealthState.CLOSED)
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    since: Mapped[datetime | None]
    probe_until: Mapped[datetime | None]
    about: Mapped[str | None]


class BankDowntime(Base):
    """A period in which a bank has announced that it does not answer."""

    __tablename__ = "bank_downtime"
    __table_args__ = (
        CheckConstraint(one_of("operation", BankOperation), name="operation"),
        CheckConstraint("starts_at < ends_at", name="ends_at"),
        Index("ix_bank_downtime_ends_at", "ends_at", postgresql_where=text("cancelled_at IS NULL")),
    )

    id: Mapped[Key]
    bank: Mapped[str]
    operation: Mapped[str | None]
    """None: every operation."""
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    reason: Mapped[str]
    announced_by: Mapped[str]
    announced_at: Mapped[Moment]
    cancelled_by: Mapped[str | None]
    cancelled_at: Mapped[datetime | None]
