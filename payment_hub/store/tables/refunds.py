"""Refunds, everything that happened to each, and chargebacks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.refunds.lifecycle import LIVE, QUERIED, RefundEvent, RefundReason, RefundState, Route
from payment_hub.store.tables.base import (
    APPEND_ONLY,
    AgencyKey,
    Base,
    Currency,
    Dong,
    Key,
    Moment,
    OrderKey,
    one_of,
)

_LIVE = one_of("state", LIVE)
_QUERIED = one_of("state", QUERIED)


class Refund(Base):
    """A refund of one amount of one bank transaction. What was proposed never changes; its state does."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("order_id", "refund_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(one_of("reason", RefundReason), name="reason"),
        CheckConstraint(one_of("route", Route), name="route"),
        CheckConstraint(one_of("state", RefundState), name="state"),
        CheckConstraint("approved_by <> proposed_by", name="two_people"),
        CheckConstraint(
            f"approved_by IS NOT NULL OR {one_of('state', [RefundState.PROPOSED, RefundState.DECLINED])}",
            name="approved_before_it_leaves",
        ),
        Index("uq_refund_one_live", "collection_id", "reason", unique=True, postgresql_where=text(_LIVE)),
        Index("ix_refund_collection_id", "collection_id"),
        Index("ix_refund_agency_id_id", "agency_id", "id"),
        Index("ix_refund_live", "state", "id", postgresql_where=text(_LIVE)),
        Index("ix_refund_query_at", "query_at", postgresql_where=text(_QUERIED)),
        Index("ix_refund_bank_refund_id", "bank", "bank_refund_id"),
        Index(
            "ix_refund_returned",
            "bank",
            "changed_at",
            postgresql_where=text(f"state = '{RefundState.SUCCEEDED}'"),
        ),
    )

    id: Mapped[Key]
    reference: Mapped[str]
    """The hub's own reference, under which the bank knows the refund."""
    order_id: Mapped[OrderKey]
    refund_id: Mapped[str]
    """The proposer's own name of it, unique within the order."""
    request_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """The hash of the proposal and its proposer: it tells a repetition from another request."""
    collection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("collection.id"))
    agency_id: Mapped[AgencyKey]
    bank: Mapped[str]
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    reason: Mapped[str]
    note: Mapped[str]
    """The proposer's own, for whoever approves it."""
    route: Mapped[str]
    payee: Mapped[dict[str, Any] | None]
    """The account of a transfer: the payer's, as the bank or the proposer stated it."""
    proposed_by: Mapped[str]
    """The holder of the proposing key; the hub itself for excess money."""
    state: Mapped[str]
    approved_by: Mapped[str | None]
    bank_refund_id: Mapped[str | None]
    voucher: Mapped[dict[str, Any] | None]
    """The voucher as it was approved, for a refund on paper."""
    contradicted: Mapped[bool] = mapped_column(server_default=text("false"))
    """The bank has contradicted its own final outcome; an officer must decide first."""
    submitted_at: Mapped[datetime | None]
    queries: Mapped[int] = mapped_column(server_default=text("0"))
    query_at: Mapped[datetime | None]
    """When the bank is queried next; a lease while a query runs."""
    escalated_at: Mapped[datetime | None]
    """Since when an officer must see to it: its bank did not answer in time."""
    proposed_at: Mapped[Moment]
    changed_at: Mapped[Moment]


class RefundEventRecord(Base):
    """One event of a refund: who caused it, and why."""

    __tablename__ = "refund_event"
    __table_args__ = (
        CheckConstraint(one_of("event", RefundEvent), name="event"),
        CheckConstraint(one_of("state", RefundState), name="state"),
        Index("ix_refund_event_refund_id", "refund_id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    refund_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("refund.id"))
    event: Mapped[str]
    state: Mapped[str]
    """The refund's state after the event."""
    actor: Mapped[str]
    """A holder, ``bank:<name>``, or the hub."""
    code: Mapped[str] = mapped_column(server_default=text("''"))
    """The bank's own code word."""
    note: Mapped[str] = mapped_column(server_default=text("''"))
    evidence: Mapped[dict[str, Any] | None]
    happened_at: Mapped[Moment]


class Chargeback(Base):
    """Money that a bank charged back."""

    __tablename__ = "chargeback"
    __table_args__ = (
        UniqueConstraint("collection_id", "evidence"),
        CheckConstraint("amount > 0 AND excess BETWEEN 0 AND amount", name="amount"),
        Index("ix_chargeback_order_id", "order_id"),
        Index("ix_chargeback_stated_at", "bank", "stated_at"),
        Index("ix_chargeback_evidence", "bank", "evidence"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    collection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("collection.id"))
    order_id: Mapped[OrderKey]
    bank: Mapped[str]
    amount: Mapped[Dong]
    """The whole amount that the bank charged back."""
    excess: Mapped[Dong] = mapped_column(server_default=text("0"))
    """The part of it that was refunded as well: it is in no account of the ledger until an officer decides."""
    currency: Mapped[Currency]
    evidence: Mapped[str]
    """The document that shows it: the same evidence again is the same chargeback."""
    stated_by: Mapped[str]
    stated_at: Mapped[Moment]
