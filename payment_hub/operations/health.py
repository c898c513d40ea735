"""The hub's own health: the database and its migrations, the invariants, and the figures of the operator's gauges."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache
from typing import Final

from payment_hub.domain.errors import HubUnavailable
from payment_hub.domain.payments import OutcomeFigures
from payment_hub.hub import Hub, translate_db_errors
from payment_hub.store import health, payments
from payment_hub.store.health import WorkWaiting
from payment_hub.store.invariants import Violation, violations
from payment_hub.store.schema import newest_revision, revision_of, upgrade

_needed = cache(newest_revision)


def check_database(hub: Hub) -> None:
    """Raises HubUnavailable when the database cannot be reached, or lacks the newest migration."""
    with hub.transaction() as session:
        revision = revision_of(session.connection())
    if revision != _needed():
        raise HubUnavailable("the database lacks the newest migration")


def migrate(hub: Hub) -> str | None:
    """The revision that the database has now. Safe to run from several processes at once."""
    with translate_db_errors():
        upgrade(hub.engine)
    return newest_revision()


_log = logging.getLogger(__name__)


def check_invariants(hub: Hub) -> list[Violation]:
    """Every row that breaks an invariant of money; an empty list means that all hold. Reads only.

    Each broken invariant is logged by its name and the number of rows, never with their content.
    """
    with hub.transaction() as session:
        broken = violations(session, hub.now())
    for violation in broken:
        reason = f"{violation.invariant}: {violation.meaning}"
        _log.error("invariant_broken", extra={"reason": reason, "count": len(violation.rows)})
    return broken


def count_work(hub: Hub) -> WorkWaiting:
    """The figures of this moment. Raises HubUnavailable."""
    with hub.transaction() as session:
        return health.count_work(session, hub.now())


#: Outcomes that were resolved earlier than this are no longer measured.
LATELY: Final = timedelta(days=1)


def measure_outcomes(hub: Hub) -> list[OutcomeFigures]:
    """The figures of each bank with unknown outcomes, now or in the last day, by name. Raises HubUnavailable."""
    with hub.transaction() as session:
        return payments.measure_outcomes(session, hub.now() - LATELY)
