"""What happened to orders, as a feed that only grows, and the webhooks that carry it to the portal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from payment_hub.domain.webhooks import WebhookState
from payment_hub.store.tables.base import APPEND_ONLY, AgencyKey, Base, Key, Moment, OrderKey, one_of


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "xid8"


class Event(Base):
    """One change of an order's state. ``txid`` lets a reader stop before transactions that are still running."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("order_id", "sequence"),
        Index("ix_event_portal_id_txid_id", "portal_id", "txid", "id"),
        Index("ix_event_agency_id_txid_id", "agency_id", "txid", "id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    txid: Mapped[Any] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    order_id: Mapped[OrderKey]
    sequence: Mapped[int]
    agency_id: Mapped[AgencyKey]
    portal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("portal.id"))
    type: Mapped[str]
    data: Mapped[Any] = mapped_column(JSONB)
    """The order after the change, as the webhook's body shows it."""
    occurred_at: Mapped[Moment]


class Webhook(Base):
    """An event on its way to the portal that issued the order."""

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint(one_of("state", WebhookState), name="state"),
        Index("ix_webhook_due_at", "due_at", postgresql_where=text(f"state = '{WebhookState.PENDING}'")),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.id"), primary_key=True)
    portal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("portal.id"))
    state: Mapped[str] = mapped_column(server_default=WebhookState.PENDING)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[Moment]
    """When it is sent next; while a worker sends it, the end of that worker's lease."""
    ended_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One delivery that was tried, with what came back."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_event_id", "event_id"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.id"))
    url: Mapped[str]
    status: Mapped[int | None]
    """HTTP status, or nothing when no answer came."""
    milliseconds: Mapped[int]
    answer: Mapped[str]
    """The beginning of the answer, or why there was none."""
    tried_at: Mapped[Moment]
