"""The ledger: balanced, append-only postings, and receipts with gapless numbers."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.ledger import Account
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


class Posting(Base):
    """One amount from one account to another: a row is balanced by its form, so the ledger always sums to zero."""

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("source_type", "source_id", "kind"),
        Index("uq_posting_reverses", "reverses", unique=True, postgresql_where=text("reverses IS NOT NULL")),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        CheckConstraint(one_of("debit", Account), name="debit"),
        CheckConstraint(one_of("credit", Account), name="credit"),
        Index("ix_posting_order_id", "order_id"),
        Index("ix_posting_day", "day"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    source_type: Mapped[str]
    source_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id"))
    bank: Mapped[str | None]
    order_id: Mapped[OrderKey | None]
    day: Mapped[date]
    posted_at: Mapped[Moment]
    reverses: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("posting.id"))
    reason: Mapped[str | None]


class ReceiptCounter(Base):
    """The last receipt number of an agency's series in a year. Its row lock is held only while a statement commits."""

    __tablename__ = "receipt_counter"
    __table_args__ = ({"postgresql_with": {"fillfactor": "20"}},)

    agency_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agency.id"), primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Receipt(Base):
    """Proof for the payer that an order was settled."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("order_id"),
        UniqueConstraint("agency_id", "series", "year", "number"),
        CheckConstraint("number BETWEEN 1 AND 9999999", name="number"),
        Index("ix_receipt_agency_id_day", "agency_id", "day"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    order_id: Mapped[OrderKey]
    agency_id: Mapped[AgencyKey]
    template: Mapped[str]
    series: Mapped[str]
    year: Mapped[int]
    number: Mapped[int]
    """At most 7 digits (Decree 123/2020 article 32)."""
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    issued_at: Mapped[Moment]
    day: Mapped[date]
