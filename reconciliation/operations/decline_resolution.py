"""Decline a proposed resolution: the discrepancy is open again."""

from __future__ import annotations

from payment_hub.domain.errors import AlreadyResolved, Malformed
from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.discrepancy import DISCREPANCY_LIFE, DiscrepancyEvent, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import moves, reading


def decline_resolution(
    books: Books, *, caller: Caller, number: int, reason: str, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, open again. The proposer may take a proposal back in this way.

    Raises DiscrepancyNotFound, StaleVersion, AlreadyResolved, IllegalTransition; Malformed without a reason.
    """
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    with books.hub.transaction() as session:
        row = moves.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(row.state)):
            raise AlreadyResolved(f"it is {row.state}")
        declined = {"decision": row.decision, "reason": reason}
        row.decision = row.reason = row.proposed_by = None
        moves.move(session, row, DiscrepancyEvent.DECLINED, caller, books.now(), **declined)
        return reading.discrepancy_view(session, caller, number)
