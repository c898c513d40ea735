"""Discrepancies as officers work on them: opened and auto-resolved by runs, resolved by two people."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.store.tables.base import APPEND_ONLY, Base, Key, Moment, one_of
from reconciliation.domain.discrepancies import Decision, DiscrepancyEvent, DiscrepancyState


class Discrepancy(Base):
    """One case that does not agree, from the run that found it to the run or the people that ended it."""

    __tablename__ = "discrepancy"
    __table_args__ = (
        CheckConstraint(one_of("state", DiscrepancyState), name="state"),
        CheckConstraint(one_of("decision", Decision), name="decision"),
        CheckConstraint(
            "proposed_by IS NULL OR approved_by IS NULL OR proposed_by <> approved_by", name="four_eyes"
        ),
        CheckConstraint("(state = 'RESOLVED') = (approved_by IS NOT NULL)", name="approved"),
        Index(
            "uq_discrepancy_one_live",
            "scope",
            "case_key",
            unique=True,
            postgresql_where=text("state IN ('OPEN', 'PROPOSED')"),
        ),
        Index("ix_discrepancy_scope_case_key", "scope", "case_key"),
        Index("ix_discrepancy_agency_id_id", "agency_id", "id"),
    )

    id: Mapped[Key]
    scope: Mapped[str]
    case_key: Mapped[str]
    finding_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("finding.id", ondelete="RESTRICT"))
    """What was different, and by how much. Other figures later are another discrepancy."""
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id", ondelete="RESTRICT"))
    day: Mapped[date]
    kind: Mapped[str]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    decision: Mapped[str | None]
    reason: Mapped[str | None]
    proposed_by: Mapped[str | None]
    """The person, not the key."""
    approved_by: Mapped[str | None]
    auto_resolved_by: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("reconciliation_run.id", ondelete="RESTRICT")
    )
    opened_at: Mapped[Moment]
    closed_at: Mapped[datetime | None]


class DiscrepancyEventRecord(Base):
    """One thing that happened to a discrepancy: who, when, why."""

    __tablename__ = "discrepancy_event"
    __table_args__ = (
        CheckConstraint(one_of("event", DiscrepancyEvent), name="event"),
        Index("ix_discrepancy_event_discrepancy_id", "discrepancy_id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    discrepancy_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("discrepancy.id", ondelete="RESTRICT"))
    event: Mapped[str]
    actor: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("reconciliation_run.id", ondelete="RESTRICT")
    )
    decision: Mapped[str | None]
    reason: Mapped[str | None]
    happened_at: Mapped[Moment]
