"""Agencies, portals, and the API keys that identify them, officers and operators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.access import Role
from payment_hub.domain.settlement import LatePolicy
from payment_hub.store.tables.base import Base, Key, Moment, one_of


class Agency(Base):
    """A public body to which money is owed."""

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint(one_of("late_policy", LatePolicy), name="late_policy"),
        CheckConstraint("refund_limit >= 0", name="refund_limit"),
        CheckConstraint("credited_after_days >= 0", name="credited_after_days"),
    )

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    tax_code: Mapped[str | None]
    address: Mapped[str | None]
    late_policy: Mapped[str] = mapped_column(server_default=LatePolicy.ACCEPT)
    part_payments: Mapped[bool] = mapped_column(server_default=text("false"))
    receipt_template: Mapped[str]
    receipt_series: Mapped[str]
    account_number: Mapped[str]
    account_bank: Mapped[str]
    account_name: Mapped[str]
    refund_limit: Mapped[int | None] = mapped_column(BigInteger)
    """The largest refund, in dong, that an officer may approve; above it only an operator may. None: no limit."""
    refund_unseen: Mapped[bool] = mapped_column(server_default=text("false"))
    """A refund that the hub proposes may be approved before the money is in a bank statement."""
    credited_after_days: Mapped[int | None] = mapped_column(server_default=text("1"))
    """Days after its collection when money counts as credited to the agency or its Treasury. None: never."""
    voucher_form: Mapped[str] = mapped_column(server_default=text("'C1-04/NS'"))
    """The form of its Treasury's refund voucher."""
    bank_preference: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """The banks that the agency prefers, the most preferred first."""
    created_at: Mapped[Moment]


class Portal(Base):
    """A portal: it issues orders on behalf of citizens and receives webhooks about them."""

    __tablename__ = "portal"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    webhook_url: Mapped[str | None]
    webhook_key_version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[Moment]


class ApiKey(Base):
    """One key of a portal, an agency, an officer or an operator. The secret itself is never stored."""

    __tablename__ = "api_key"
    __table_args__ = (CheckConstraint(one_of("role", Role), name="role"),)

    id: Mapped[Key]
    lookup: Mapped[str] = mapped_column(unique=True)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    role: Mapped[str]
    holder: Mapped[str]
    """The person or system that holds the key; four-eyes rules compare holders, not keys."""
    agency_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agency.id"))
    portal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("portal.id"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[Moment]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
