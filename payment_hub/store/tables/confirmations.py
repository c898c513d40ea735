"""Messages of banks: the raw callback, the judged confirmation, and the collection, each bank transaction once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import CHAR
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.settlement import Disposition, Source, Verdict
from payment_hub.store.tables.base import APPEND_ONLY, Base, Currency, Dong, Key, Moment, OrderKey, one_of

#: Verdicts after which a refund of the excess may be proposed.
_EXCESS = (Verdict.OVERPAYS, Verdict.PAID_TWICE, Verdict.TOO_LATE, Verdict.UNDERPAYS)


class Callback(Base):
    """One HTTP message of a bank, byte for byte, stored before it is judged."""

    __tablename__ = "callback"
    __table_args__ = (
        Index("ix_callback_received_at", "received_at"),
        Index("ix_callback_unverified", "bank", "received_at", postgresql_where=text("NOT verified")),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    bank: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    query: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    source_ip: Mapped[str]
    verified: Mapped[bool]
    parsed: Mapped[dict[str, Any] | None]
    """The confirmation that the adapter read in a verified callback: enough to judge it later."""
    received_at: Mapped[Moment]


class ConfirmationRecord(Base):
    """One judged confirmation of a bank: from a callback, a query or a statement line."""

    __tablename__ = "confirmation"
    __table_args__ = (
        CheckConstraint(one_of("outcome", Outcome), name="outcome"),
        CheckConstraint(one_of("source", Source), name="source"),
        CheckConstraint(one_of("verdict", Verdict), name="verdict"),
        CheckConstraint(one_of("disposition", Disposition), name="disposition"),
        # One event is applied once, whatever its content; each content that contradicts it is kept once.
        Index(
            "uq_confirmation_applied",
            "bank",
            "event_id",
            unique=True,
            postgresql_where=text(one_of("disposition", [Disposition.APPLIED, Disposition.ORPHAN])),
        ),
        Index(
            "uq_confirmation_contradicting",
            "bank",
            "event_id",
            "digest",
            unique=True,
            postgresql_where=text(f"disposition = '{Disposition.CONFLICT}'"),
        ),
        Index(
            "ix_confirmation_repeated",
            "bank",
            "event_id",
            "id",
            postgresql_where=text(f"disposition = '{Disposition.DUPLICATE}'"),
        ),
        Index("uq_confirmation_callback_id", "callback_id", unique=True),
        Index("ix_confirmation_order_id", "order_id"),
        Index("ix_confirmation_key_before", "bank", "judged_at", postgresql_where=text("key = 1")),
        Index(
            "ix_confirmation_excess",
            "judged_at",
            postgresql_where=text(f"{one_of('verdict', _EXCESS)} AND disposition = '{Disposition.APPLIED}'"),
        ),
        Index(
            "ix_confirmation_conflict",
            "judged_at",
            postgresql_where=text(f"disposition = '{Disposition.CONFLICT}'"),
        ),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    callback_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("callback.id"))
    source: Mapped[str]
    bank: Mapped[str]
    event_id: Mapped[str]
    reference: Mapped[str]
    order_id: Mapped[OrderKey | None]
    attempt_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("payment_attempt.id"))
    outcome: Mapped[str]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    bank_transaction_id: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    code: Mapped[str]
    payer: Mapped[dict[str, Any] | None]
    """The account of the payer, where the bank names it: personal data, for a refund by transfer."""
    key: Mapped[int | None] = mapped_column(SmallInteger)
    """Which of the bank's keys signed it: 0 the current one, 1 the one before."""
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """The hash of outcome, amount, currency, transaction and reference: it tells a repetition from a contradiction."""
    verdict: Mapped[str]
    disposition: Mapped[str]
    judged_at: Mapped[Moment]


class Collection(Base):
    """Money that a bank has collected: one row for one bank transaction, whatever became of it."""

    __tablename__ = "collection"
    __table_args__ = (
        UniqueConstraint("bank", "bank_transaction_id"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_collection_order_id", "order_id"),
        Index("ix_collection_bank_day", "bank", "day"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    bank: Mapped[str]
    bank_transaction_id: Mapped[str]
    order_id: Mapped[OrderKey | None]
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id"))
    reference: Mapped[str]
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    late: Mapped[bool]
    accepted: Mapped[bool]
    """Whether it may settle its order: in time, or late and accepted by the agency's policy of that moment."""
    paid_at: Mapped[datetime | None]
    collected_at: Mapped[Moment]
    """The moment by which lateness was judged: the bank's, if it can be believed, else that of arrival."""
    received_at: Mapped[Moment]
    day: Mapped[date]
    """Business day of ``collected_at`` in hub time: the bank statement in which it must appear."""
