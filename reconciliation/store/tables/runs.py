"""Runs and their findings. Once a run has ended, a trigger refuses every change to it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.store.tables.base import APPEND_ONLY, Base, Key, Moment, one_of
from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.runs import RunState


class ReconciliationRun(Base):
    """One comparison of two books for one day. Its id is its number."""

    __tablename__ = "reconciliation_run"
    __table_args__ = (
        CheckConstraint(one_of("state", RunState), name="state"),
        CheckConstraint("(state = 'COMMITTED') = (totals IS NOT NULL)", name="totals"),
        CheckConstraint("(state = 'FAILED') = (reason IS NOT NULL)", name="reason"),
        Index(
            "uq_reconciliation_run_key",
            "key",
            unique=True,
            postgresql_where=text("state = 'COMMITTED'"),
        ),
        Index(
            "uq_reconciliation_run_one_running",
            "scope",
            unique=True,
            postgresql_where=text("state = 'RUNNING'"),
        ),
        Index(
            "uq_reconciliation_run_one_under_way",
            "scope",
            "day",
            unique=True,
            postgresql_where=text("state IN ('PLANNED', 'RUNNING')"),
        ),
        CheckConstraint("(state = 'REPEATED') = (repeats IS NOT NULL)", name="repeats"),
        Index("ix_reconciliation_run_day_scope", "day", "scope"),
    )

    id: Mapped[Key]
    scope: Mapped[str]
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id", ondelete="RESTRICT"))
    """Whose ledger was compared: this agency may see the run."""
    day: Mapped[date]
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str]
    started_by: Mapped[str]
    leased_until: Mapped[datetime | None]
    reason: Mapped[str | None]
    repeats: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("reconciliation_run.id", ondelete="RESTRICT")
    )
    """The earlier run that has the same result."""
    totals: Mapped[Any | None] = mapped_column(JSON)
    files: Mapped[Any | None] = mapped_column(JSON)
    """The other side's files of the day, with what became of each."""
    planned_at: Mapped[Moment]
    ended_at: Mapped[datetime | None]


class Finding(Base):
    """One case that did not agree when the run looked: the report is made of these, and they never change."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("run_id", "case_key", "kind"),
        CheckConstraint(one_of("kind", DiscrepancyKind), name="kind"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("reconciliation_run.id", ondelete="RESTRICT"))
    case_key: Mapped[str]
    kind: Mapped[str]
    day: Mapped[date]
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id", ondelete="RESTRICT"))
    order_reference: Mapped[str | None]
    hub_items: Mapped[int]
    hub_amount: Mapped[int] = mapped_column(BigInteger)
    hub_currency: Mapped[str | None]
    other_items: Mapped[int]
    other_amount: Mapped[int] = mapped_column(BigInteger)
    other_currency: Mapped[str | None]
    detail: Mapped[str] = mapped_column(server_default=text("''"))
    """What a person needs besides: why a file was refused."""
