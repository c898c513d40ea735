"""Answers by idempotency key: a repeated request gets the first answer again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_hub.store.tables.base import Base, Moment


class IdempotencyRecord(Base):
    """One request of one caller. Without ``status`` it is still running, until ``leased_until`` has passed."""

    __tablename__ = "idempotency_record"
    __table_args__ = (Index("ix_idempotency_record_expires_at", "expires_at"),)

    caller: Mapped[str] = mapped_column(primary_key=True)
    """The caller's name (``portal:dvc``), not its API key: a key may be rotated between two tries."""
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Hash over method, path and the raw body."""
    status: Mapped[int | None]
    body: Mapped[str | None]
    headers: Mapped[str] = mapped_column(server_default=text("'{}'"))
    leased_until: Mapped[datetime | None]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
