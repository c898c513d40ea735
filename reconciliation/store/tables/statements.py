"""The banks' statements: every file that ever came, and the movements in them, each once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.banks.values import Movement
from payment_hub.store.tables.base import APPEND_ONLY, Base, Currency, Dong, Key, Moment, one_of
from reconciliation.domain.files import FileState


class StatementFile(Base):
    """A statement as the bank gave it. The same bytes for the same day are the same file."""

    __tablename__ = "statement_file"
    __table_args__ = (
        UniqueConstraint("bank", "day", "sha256"),
        CheckConstraint(one_of("state", FileState), name="state"),
        CheckConstraint("(state = 'REFUSED') = (reason IS NOT NULL)", name="reason"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    bank: Mapped[str]
    day: Mapped[date]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    reason: Mapped[str | None]
    """Why it was refused, with line and column."""
    lines: Mapped[int]
    shows_debits: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the file would show refunds and chargebacks."""
    received_at: Mapped[Moment]


class StatementItem(Base):
    """One movement. Its identity is what it says, so that it is the same item in whichever file it stands."""

    __tablename__ = "statement_line"
    __table_args__ = (
        UniqueConstraint(
            "bank",
            "bank_transaction_id",
            "day",
            "amount",
            "currency",
            "movement",
            "reference",
            "occurrence",
            name="uq_statement_line_identity",
        ),
        CheckConstraint(one_of("movement", Movement), name="movement"),
        Index("ix_statement_line_bank_day", "bank", "day"),
        Index("ix_statement_line_debit", "bank", "day", postgresql_where=text("movement = 'DEBIT'")),
        Index(
            "ix_statement_line_order_reference",
            "order_reference",
            postgresql_where=text("order_reference IS NOT NULL"),
        ),
        Index(
            "ix_statement_line_refund_reference",
            "refund_reference",
            postgresql_where=text("refund_reference IS NOT NULL"),
        ),
        Index("ix_statement_line_repeated", "bank", "bank_transaction_id", postgresql_where=text("repeated")),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    file_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("statement_file.id", ondelete="RESTRICT"))
    line: Mapped[int]
    bank: Mapped[str]
    bank_transaction_id: Mapped[str]
    day: Mapped[date]
    """The business day of the statement."""
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    movement: Mapped[str]
    reference: Mapped[str]
    occurrence: Mapped[int]
    """1 for the first of several lines of a file that say exactly the same."""
    booked_at: Mapped[Moment]
    repeated: Mapped[bool]
    """An earlier item moved the same transaction: such cases are few, and this mark selects them."""
    order_reference: Mapped[str | None]
    """The order that a debit names: its own reference, or that of an attempt at it."""
    refund_reference: Mapped[str | None]
    """The refund that a debit names."""
