"""Close an order's offer, by withdrawal or by the clock, together with the event that tells it.

The caller holds the obligation's lock. Closing ends the offer, not the money: a QR code on paper can still be paid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.notice import EventType
from payment_hub.store.closing_cte import EVENTS
from payment_hub.store.order_rows import COLUMNS, JOINS, order_view

_OPEN_ORDER: Final = text(
    f"SELECT {COLUMNS} FROM payment_order o {JOINS} WHERE o.obligation_id = :obligation AND o.is_open"
)

_CLOSE: Final = f"""
WITH gate AS (
    UPDATE payment_order SET cancelled_at = %(cancelled_at)s::timestamptz, cancel_reason = %(cancel_reason)s::text,
        expired_at = %(expired_at)s::timestamptz, sequence = %(first_sequence)s::int
    WHERE id = %(order_id)s::bigint AND is_open
    RETURNING id
),
numbered AS (SELECT 0 AS last WHERE false),
given_up AS (
    UPDATE payment_attempt SET state = 'ABANDONED', changed_at = %(now)s::timestamptz
    WHERE order_id = %(order_id)s::bigint AND state = 'PENDING' AND EXISTS (SELECT FROM gate)
), {EVENTS}
SELECT count(*) FROM gate"""


def open_order_of(session: Session, obligation_id: int) -> Mapping[Any, Any] | None:
    """The open order of an obligation, read with COLUMNS."""
    return session.execute(_OPEN_ORDER, {"obligation": obligation_id}).mappings().one_or_none()


def close_order(
    session: Session,
    row: Mapping[str, Any],
    event: EventType,
    now: datetime,
    checkout_url: Callable[[str], str],
    *,
    reason: str | None = None,
) -> None:
    """Cancel (with a reason) or expire the order of ``row``, and say so in an event and its notice."""
    cancelled = event is EventType.CANCELLED
    facts = {
        "cancelled_at": now if cancelled else row["cancelled_at"],
        "cancel_reason": reason if cancelled else row["cancel_reason"],
        "expired_at": row["expired_at"] if cancelled else now,
    }
    view = order_view(row, checkout_url(row["reference"]), sequence=row["sequence"] + 1, **facts)
    more = {
        **{name: row[name] for name in ("order_id", "agency_id", "portal_id")},
        "first_sequence": row["sequence"] + 1,
        "types": [event],
        "data": json.dumps(view.as_wire()),
        "template": "",
        "series": "",
        "now": now,
    }
    session.connection().exec_driver_sql(_CLOSE, facts | more)
