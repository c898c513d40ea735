"""Obligations: identity and state, and every version that the agency stated."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.obligations import Kind, VersionEvent
from payment_hub.store.tables.base import APPEND_ONLY, AgencyKey, Base, Currency, Dong, Key, Moment, one_of


class Obligation(Base):
    """What a payer owes an agency. Every change of it or of its orders raises ``row_version``, the optimistic lock."""

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("agency_id", "reference"),
        CheckConstraint(one_of("kind", Kind), name="kind"),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    id: Mapped[Key]
    agency_id: Mapped[AgencyKey]
    reference: Mapped[str]
    """The agency's own reference of the obligation."""
    kind: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    withdrawn: Mapped[bool] = mapped_column(server_default=text("false"))
    settled_by: Mapped[int | None] = mapped_column(BigInteger)
    """The payment order whose money settled it. No foreign key: orders point here already."""
    row_version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[Moment]


class ObligationVersion(Base):
    """One version of an obligation, as the agency stated it."""

    __tablename__ = "obligation_version"
    __table_args__ = (
        UniqueConstraint("obligation_id", "version"),
        CheckConstraint("amount >= 0 AND amount <= 1000000000000", name="amount"),
        CheckConstraint(one_of("event", VersionEvent), name="event"),
        Index("ix_obligation_version_due_on", "due_on"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    obligation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("obligation.id"))
    version: Mapped[int]
    event: Mapped[str]
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    payer_name: Mapped[str]
    identifiers: Mapped[dict[str, Any]]
    """The identifiers of its kind: decision number, patient code, pupil code, dossier code."""
    description: Mapped[str]
    due_on: Mapped[date | None]
    account_number: Mapped[str]
    account_bank: Mapped[str]
    """BIN of the bank that keeps the beneficiary account."""
    account_name: Mapped[str]
    treasury_chapter: Mapped[str | None]
    treasury_sub_item: Mapped[str | None]
    reason: Mapped[str | None]
    stated_by: Mapped[str]
    stated_at: Mapped[Moment]
