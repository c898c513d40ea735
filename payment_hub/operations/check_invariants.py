"""Look for anything that must never be so."""

from __future__ import annotations

import logging

from payment_hub.hub import Hub
from payment_hub.store.invariants import Violation, violations

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
