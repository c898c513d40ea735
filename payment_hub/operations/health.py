"""Whether the database answers and has the form that this code needs.

Bring the database to the newest migration.

Look for anything that must never be so.

Count what waits to be done, for the operator's gauges.

Measure how long outcomes stay unknown, and whether they became known when we had promised.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Final

from payment_hub.domain.errors import HubUnavailable
from payment_hub.domain.payments import OutcomeFigures
from payment_hub.hub import Hub, translate_db_errors
from payment_hub.store import health, payments
from payment_hub.store.invariants import Violation, violations
from payment_hub.store.schema import newest_revision, revision_of, upgrade

_needed = cache(newest_revision)


def check_database(hub: Hub) -> None:
    """Raises HubUnavailable when the database cannot be reached, or lacks the newest migration."""
    with hub.transaction() as session:
        found = revision_of(session.connection())
    if found != _needed():
        raise HubUnavailable("the database lacks the newest migration")


def migrate(hub: Hub) -> str | None:
    """The revision that the database has now. Safe to run from several processes at once."""
    with translate_db_errors():
        upgrade(hub.engine)
    return newest_revision()


_log = logging.getLogger(__name__)


def check_invariants(hub: Hub) -> list[Violation]:
    """Every row that breaks an invariant of money; an empty list means that all hold. Reads only.

    Each broken invariant is logged by its name and the number of rows, never with what stands in them.
    """
    with hub.transaction() as session:
        found = violations(session, hub.now())
    for broken in found:
        reason = f"{broken.invariant}: {broken.meaning}"
        _log.error("invariant_broken", extra={"reason": reason, "count": len(broken.rows)})
    return found


@dataclass(frozen=True, slots=True)
class WorkWaiting:
    """What waits. A figure that only grows means that something does not run."""

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
        found, overdue = health.count_work(session, now), payments.overdue_by_bank(session)
    oldest = found["oldest_webhook_at"]
    return WorkWaiting(
        open_orders=found["open_orders"],
        orders_estimated=found["orders_estimated"],
        webhooks_pending=found["webhooks_pending"],
        webhooks_dead=found["webhooks_dead"],
        oldest_webhook_seconds=0 if oldest is None else max(0, int((now - oldest).total_seconds())),
        attempts_unknown=found["attempts_unknown"],
        refunds_proposed=found["refunds_proposed"],
        refunds_unknown=found["refunds_unknown"],
        refunds_overdue=found["refunds_overdue"],
        chargebacks_in_excess=found["chargebacks_in_excess"],
        attempts_overdue=overdue,
        callbacks_unjudged=found["callbacks_unjudged"],
        discrepancies_open=found["discrepancies_open"],
    )


#: What became known longer ago is history.
LATELY: Final = timedelta(days=1)


def measure_outcomes(hub: Hub) -> list[OutcomeFigures]:
    """The figures of each bank that left something unknown, now or in the last day, by name. Raises HubUnavailable."""
    with hub.transaction() as session:
        waiting, known = (
            payments.unresolved_by_bank(session),
            payments.resolved_by_bank(session, hub.now() - LATELY),
        )
    found = {row["bank"]: OutcomeFigures(**row) for row in waiting}
    for row in known:
        figures = found.get(row["bank"], OutcomeFigures(row["bank"]))
        found[row["bank"]] = replace(figures, waits=tuple(sorted(row["waits"])), kept=row["kept"])
    return [found[bank] for bank in sorted(found)]
