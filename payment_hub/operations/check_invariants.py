"""Look for anything that must never be so."""

from __future__ import annotations

from payment_hub.hub import Hub
from payment_hub.store.invariants import Violation, violations


def check_invariants(hub: Hub) -> list[Violation]:
    """Every row that breaks an invariant of money; an empty list means that all hold. Reads only."""
    with hub.transaction() as session:
        return violations(session, hub.now())
