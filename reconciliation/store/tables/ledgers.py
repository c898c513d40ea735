"""The agencies' ledgers: every file that ever came, and the entries in them, each once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.store.tables.base import APPEND_ONLY, AgencyKey, Base, Currency, Dong, Key, Moment, one_of
from reconciliation.domain.files import FileState


class LedgerFile(Base):
    """A ledger as the agency delivered it. The same bytes under the same name are the same file."""

    __tablename__ = "ledger_file"
    __table_args__ = (
        UniqueConstraint("agency_id", "day", "sha256"),
        CheckConstraint(one_of("state", FileState), name="state"),
        CheckConstraint("(state = 'REFUSED') = (reason IS NOT NULL)", name="reason"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    agency_id: Mapped[AgencyKey]
    day: Mapped[date]
    name: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    reason: Mapped[str | None]
    """Why it was refused, with line and column."""
    lines: Mapped[int]
    received_at: Mapped[Moment]


class LedgerEntry(Base):
    """One payment as the agency booked it."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint(
            "agency_id",
            "day",
            "entry_number",
            "reference",
            "amount",
            "currency",
            name="uq_ledger_entry_identity",
        ),
        Index("ix_ledger_entry_agency_id_day", "agency_id", "day"),
        Index("ix_ledger_entry_case_key", "agency_id", "case_key"),
        Index("ix_ledger_entry_repeated", "agency_id", "case_key", postgresql_where=text("repeated")),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    file_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_file.id", ondelete="RESTRICT"))
    line: Mapped[int]
    agency_id: Mapped[AgencyKey]
    day: Mapped[date]
    entry_number: Mapped[str]
    reference: Mapped[str]
    """As the agency wrote it: an order's reference, or its own of the obligation."""
    receipt_number: Mapped[str | None]
    case_key: Mapped[str]
    """The agency's reference of the obligation that it names by either reference; else what the agency wrote."""
    order_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("payment_order.id", ondelete="RESTRICT")
    )
    """The order that it names, or that had settled the obligation by then: lets most entries pair off at sight."""
    amount: Mapped[Dong]
    currency: Mapped[Currency]
    repeated: Mapped[bool]
    """An earlier entry booked the same obligation: such cases are few, and this mark selects them."""
