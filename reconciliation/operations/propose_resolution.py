"""Propose how a discrepancy is to be resolved: the first of two pairs of eyes."""

from __future__ import annotations

from payment_hub.domain.errors import AlreadyResolved, Malformed
from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.discrepancy import DISCREPANCY_LIFE, Decision, DiscrepancyEvent, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import moves, reading


def propose_resolution(
    books: Books, *, caller: Caller, number: int, decision: Decision, reason: str, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, waiting for another person's approval.

    Raises DiscrepancyNotFound, StaleVersion, AlreadyResolved, IllegalTransition; Malformed without a reason.
    """
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    with books.hub.transaction() as session:
        row = moves.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(row.state)):
            raise AlreadyResolved(f"it is {row.state}")
        event = DiscrepancyEvent.RESOLUTION_PROPOSED
        row.decision, row.reason, row.proposed_by = decision, reason, caller.holder
        moves.move(session, row, event, caller, books.now(), decision=decision, reason=reason)
        return reading.discrepancy_view(session, caller, number)
