"""How much work waits: figures for the operator, each answered from a partial index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Callbacks younger than this are just being judged; older than the other are the night's business.
IN_HAND: Final = timedelta(seconds=30)
LOOKED_BACK: Final = timedelta(days=1)

_COUNT: Final = text(
    """SELECT
    (SELECT count(*) FROM payment_order WHERE is_open) AS open_orders,
    (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'payment_order'::regclass) AS orders_estimated,
    (SELECT count(*) FROM webhook WHERE state = 'PENDING') AS webhooks_pending,
    (SELECT count(*) FROM webhook WHERE state = 'DEAD') AS webhooks_dead,
    (SELECT min(e.occurred_at) FROM webhook n JOIN event e ON e.id = n.event_id WHERE n.state = 'PENDING')
        AS oldest_webhook_at,
    (SELECT count(*) FROM payment_attempt WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')
        AND state = 'UNKNOWN') AS attempts_unknown,
    (SELECT count(*) FROM refund WHERE state = 'PROPOSED') AS refunds_proposed,
    (SELECT count(*) FROM refund WHERE state = 'UNKNOWN') AS refunds_unknown,
    (SELECT count(escalated_at) FROM refund WHERE state IN ('APPROVED', 'SUBMITTING', 'PENDING', 'UNKNOWN'))
        AS refunds_overdue,
    (SELECT count(*) FROM chargeback WHERE excess > 0) AS chargebacks_in_excess,
    (SELECT count(*) FROM callback c WHERE c.verified AND c.received_at > :since AND c.received_at < :before
        AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)) AS callbacks_unjudged,
    to_regclass('discrepancy') IS NOT NULL AS has_discrepancies"""
)

_DISCREPANCIES: Final = text("SELECT count(*) FROM discrepancy WHERE state IN ('OPEN', 'PROPOSED')")


def count_work(session: Session, now: datetime) -> Mapping[str, Any]:
    """Every figure by its name."""
    asked = {"since": now - LOOKED_BACK, "before": now - IN_HAND}
    found = session.execute(_COUNT, asked).mappings().one()
    discrepancies = session.scalar(_DISCREPANCIES) if found["has_discrepancies"] else 0
    return {**found, "discrepancies_open": discrepancies}
