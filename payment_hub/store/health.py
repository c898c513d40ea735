"""SQL of the operator's gauges: how much work waits, each figure from a partial index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.payments import UNDER_WAY, AttemptState
from payment_hub.domain.refunds.lifecycle import RefundState
from payment_hub.domain.webhooks import WebhookState
from payment_hub.store.named_sql import named
from payment_hub.store.payments import count_overdue

#: Younger callbacks are being judged at this moment; older ones than the other are the nightly run's task.
IN_HAND: Final = timedelta(seconds=30)
LOOKED_BACK: Final = timedelta(days=1)

_SQL: Final = {
    name: text(sql)
    for name, sql in named(
        "payment_hub.store",
        "sql/health.sql",
        under_way=UNDER_WAY,
        attempt_unknown=AttemptState.UNKNOWN,
        webhook_pending=WebhookState.PENDING,
        webhook_dead=WebhookState.DEAD,
        refund_proposed=RefundState.PROPOSED,
        refund_unknown=RefundState.UNKNOWN,
        refund_sent=(
            RefundState.APPROVED,
            RefundState.SUBMITTING,
            RefundState.PENDING,
            RefundState.UNKNOWN,
        ),
    ).items()
}


@dataclass(frozen=True, slots=True)
class WorkWaiting:
    """How much work waits. A figure that only grows shows that a task does not run."""

    open_orders: int
    orders_estimated: int
    """All orders, as the database's statistics estimate them."""
    webhooks_pending: int
    webhooks_dead: int
    oldest_webhook_seconds: int
    attempts_unknown: int
    refunds_proposed: int
    """Waiting for an officer's decision."""
    refunds_unknown: int
    refunds_overdue: int
    """Escalated to officers, because their banks did not answer in time."""
    chargebacks_in_excess: int
    """Chargebacks of money that was refunded as well."""
    attempts_overdue: int
    """Attempts of unknown outcome that are escalated to officers."""
    callbacks_unjudged: int
    """Verified callbacks of the last day without a judgement, apart from those of the last half minute."""
    discrepancies_open: int


def count_work(session: Session, now: datetime) -> WorkWaiting:
    """The figures of this moment."""
    params = {"since": now - LOOKED_BACK, "before": now - IN_HAND}
    row = session.execute(_SQL["count_work"], params).mappings().one()
    oldest = row["oldest_webhook_at"]
    return WorkWaiting(
        open_orders=row["open_orders"],
        orders_estimated=row["orders_estimated"],
        webhooks_pending=row["webhooks_pending"],
        webhooks_dead=row["webhooks_dead"],
        oldest_webhook_seconds=0 if oldest is None else max(0, int((now - oldest).total_seconds())),
        attempts_unknown=row["attempts_unknown"],
        refunds_proposed=row["refunds_proposed"],
        refunds_unknown=row["refunds_unknown"],
        refunds_overdue=row["refunds_overdue"],
        chargebacks_in_excess=row["chargebacks_in_excess"],
        attempts_overdue=count_overdue(session),
        callbacks_unjudged=row["callbacks_unjudged"],
        discrepancies_open=int(session.execute(_SQL["count_discrepancies"]).scalar_one())
        if row["has_discrepancies"]
        else 0,
    )
