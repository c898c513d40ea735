"""What callers are shown of events and their notices: what happened, where each notice stands, every attempt made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from payment_hub.domain.views import wire_moment


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of the feed."""

    id: str
    """``evt_<number>``; also the ``webhook-id`` of its notice."""
    cursor: str
    type: str
    order_reference: str
    sequence: int
    occurred_at: datetime
    data: Mapping[str, Any]

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire; a notice's body is the same without the cursor."""
        return {
            "id": self.id,
            "type": self.type,
            "order": self.order_reference,
            "sequence": self.sequence,
            "occurred_at": wire_moment(self.occurred_at),
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class NoticeAttemptView:
    """One delivery that was tried."""

    url: str
    status: int | None
    """HTTP status, or nothing when no answer came."""
    milliseconds: int
    answer: str
    """The beginning of the answer, or why there was none."""
    tried_at: datetime

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "url": self.url,
            "status": self.status,
            "milliseconds": self.milliseconds,
            "answer": self.answer,
            "tried_at": wire_moment(self.tried_at),
        }


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice with all its attempts, those before it was sent again included."""

    event_id: str
    type: str
    order_reference: str
    sequence: int
    portal: str
    state: str
    """``PENDING``, ``DELIVERED``, ``DEAD`` or ``CANCELLED``."""
    due_at: datetime | None
    """When it is sent next, while it is pending."""
    ended_at: datetime | None
    attempts: tuple[NoticeAttemptView, ...]

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "event": self.event_id,
            "type": self.type,
            "order": self.order_reference,
            "sequence": self.sequence,
            "portal": self.portal,
            "state": self.state,
            "due_at": wire_moment(self.due_at),
            "ended_at": wire_moment(self.ended_at),
            "attempts": [attempt.as_wire() for attempt in self.attempts],
        }


@dataclass(frozen=True, slots=True)
class NoticeKeys:
    """What a portal needs to verify notices, handed over once."""

    portal: str
    version: int
    secret: str = field(repr=False)
    """``whsec_...``, for ``v1`` (HMAC-SHA256). The secret of the version before goes on signing beside it."""
    public_keys: tuple[str, ...]
    """``whpk_...``, for ``v1a`` (Ed25519): the hub's, the same for every portal."""
