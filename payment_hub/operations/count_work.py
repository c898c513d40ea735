"""Count what waits to be done, for the operator's gauges."""

from __future__ import annotations

from dataclasses import dataclass

from payment_hub.hub import Hub
from payment_hub.store import outcomes, work


@dataclass(frozen=True, slots=True)
class WorkWaiting:
    """What waits. A figure that only grows means that something does not run."""

    open_orders: int
    orders_estimated: int
    """All orders, as the database's statistics estimate them."""
    notices_pending: int
    notices_dead: int
    oldest_notice_seconds: int
    attempts_unknown: int
    refunds_proposed: int
    """Waiting for an officer's decision."""
    refunds_unknown: int
    refunds_overdue: int
    """Lying before an officer, because their banks did not answer in time."""
    chargebacks_in_excess: int
    """What banks took back and was given back as well."""
    attempts_overdue: int
    """Attempts of unknown outcome that lie before an officer."""
    callbacks_unjudged: int
    """Verified callbacks of the last day without a judgement, apart from those of the last half minute."""
    discrepancies_open: int


def count_work(hub: Hub) -> WorkWaiting:
    """The figures of this moment. Raises HubUnavailable."""
    now = hub.now()
    with hub.transaction() as session:
        found, overdue = work.count(session, now), outcomes.overdue(session)
    oldest = found["oldest_notice_at"]
    return WorkWaiting(
        open_orders=found["open_orders"],
        orders_estimated=found["orders_estimated"],
        notices_pending=found["notices_pending"],
        notices_dead=found["notices_dead"],
        oldest_notice_seconds=0 if oldest is None else max(0, int((now - oldest).total_seconds())),
        attempts_unknown=found["attempts_unknown"],
        refunds_proposed=found["refunds_proposed"],
        refunds_unknown=found["refunds_unknown"],
        refunds_overdue=found["refunds_overdue"],
        chargebacks_in_excess=found["chargebacks_in_excess"],
        attempts_overdue=overdue,
        callbacks_unjudged=found["callbacks_unjudged"],
        discrepancies_open=found["discrepancies_open"],
    )
