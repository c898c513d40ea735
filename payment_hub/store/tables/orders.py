"""Payment orders: facts as totals and moments, and a status that the database derives from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.domain.orders import OrderStatus
from payment_hub.store.tables.base import AgencyKey, Base, Currency, Dong, Key, Moment

#: The SQL twin of ``domain.orders.status_of``; a test brute-forces their equality.
STATUS = f"""CASE
    WHEN received >= required AND received - refunded >= required THEN '{OrderStatus.PAID}'
    WHEN received = 0 AND cancelled_at IS NOT NULL THEN '{OrderStatus.CANCELLED}'
    WHEN received = 0 AND expired_at IS NOT NULL THEN '{OrderStatus.EXPIRED}'
    WHEN received = 0 THEN '{OrderStatus.OPEN}'
    WHEN refunded = 0 THEN '{OrderStatus.UNDERPAID}'
    WHEN received = refunded THEN '{OrderStatus.REFUNDED}'
    ELSE '{OrderStatus.PARTLY_REFUNDED}' END"""

IS_OPEN = "required > 0 AND received = 0 AND cancelled_at IS NULL AND expired_at IS NULL"


class PaymentOrder(Base):
    """An offer: one version of one obligation can be paid until a deadline."""

    __tablename__ = "payment_order"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("required >= 0 AND required <= 1000000000000", name="required"),
        CheckConstraint(
            "refunded >= 0 AND held_refund >= 0 AND refunded + held_refund <= received", name="refunds"
        ),
        CheckConstraint(
            "paid_back BETWEEN refunded AND refunded + held_refund AND paid_back_accepted BETWEEN 0 AND paid_back",
            name="paid_back",
        ),
        CheckConstraint("accepted >= 0 AND accepted <= received", name="accepted"),
        Index("uq_payment_order_one_open", "obligation_id", unique=True, postgresql_where=text("is_open")),
        Index("ix_payment_order_obligation_id", "obligation_id"),
        Index("ix_payment_order_agency_id_id", "agency_id", "id"),
        Index("ix_payment_order_portal_id_id", "portal_id", "id"),
        Index("ix_payment_order_expires_at", "expires_at", postgresql_where=text("is_open")),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    id: Mapped[Key]
    reference: Mapped[str]
    """The public reference: 16 characters, time-ordered, with a check digit."""
    obligation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("obligation.id"))
    obligation_version: Mapped[int]
    agency_id: Mapped[AgencyKey]
    portal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("portal.id"))
    required: Mapped[Dong]
    currency: Mapped[Currency]
    return_url: Mapped[str | None]
    issued_at: Mapped[Moment]
    expires_at: Mapped[Moment]

    # Facts: the sums of all confirmations, refunds and chargebacks so far. What was received never shrinks.
    received: Mapped[Dong] = mapped_column(server_default=text("0"))
    accepted: Mapped[Dong] = mapped_column(server_default=text("0"))
    """The part of ``received`` that may settle the order: in time, or late and accepted by the agency's policy."""
    refunded: Mapped[Dong] = mapped_column(server_default=text("0"))
    held_refund: Mapped[Dong] = mapped_column(server_default=text("0"))
    paid_back: Mapped[Dong] = mapped_column(server_default=text("0"))
    """What has left the order's accounts again: refunds, pending or done, and chargebacks."""
    paid_back_accepted: Mapped[Dong] = mapped_column(server_default=text("0"))
    """The part of it that came from money which may settle."""
    disputed: Mapped[bool] = mapped_column(server_default=text("false"))
    """A bank has charged money back; it counts as refunded."""
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    expired_at: Mapped[datetime | None]
    late: Mapped[bool] = mapped_column(server_default=text("false"))
    conflict: Mapped[bool] = mapped_column(server_default=text("false"))
    other_currency: Mapped[bool] = mapped_column(server_default=text("false"))
    """Money in another currency came for it; it waits in suspense in that currency."""
    held: Mapped[bool] = mapped_column(server_default=text("false"))
    """Money is here but may not settle anything until a person decides."""
    sequence: Mapped[int] = mapped_column(server_default=text("1"))
    """Number of the order's latest event; also its version for If-Match."""

    status: Mapped[str] = mapped_column(Computed(STATUS, persisted=True))
    is_open: Mapped[bool] = mapped_column(Computed(IS_OPEN, persisted=True))
