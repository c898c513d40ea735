"""Measure how long outcomes stay unknown, and whether they became known when we had promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from payment_hub.domain.outcome_views import OutcomeFigures
from payment_hub.hub import Hub
from payment_hub.store import outcomes

#: What became known longer ago is history.
LATELY: Final = timedelta(days=1)


def measure_outcomes(hub: Hub) -> list[OutcomeFigures]:
    """The figures of each bank that left something unknown, now or in the last day, by name. Raises HubUnavailable."""
    with hub.transaction() as session:
        waiting, known = outcomes.waiting(session), outcomes.known(session, hub.now() - LATELY)
    found = {row["bank"]: OutcomeFigures(**row) for row in waiting}
    for row in known:
        figures = found.get(row["bank"], OutcomeFigures(row["bank"]))
        found[row["bank"]] = replace(figures, waits=tuple(sorted(row["waits"])), kept=row["kept"])
    return [found[bank] for bank in sorted(found)]
