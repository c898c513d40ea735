"""Approve a proposed resolution: the second of two pairs of eyes."""

from __future__ import annotations

from payment_hub.domain.errors import AlreadyResolved, SamePerson
from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.discrepancy import DISCREPANCY_LIFE, DiscrepancyEvent, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import moves, reading


def approve_resolution(
    books: Books, *, caller: Caller, number: int, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, resolved. Two approvals at once: one wins, the other is told.

    Raises SamePerson for the proposer, whichever key they use; DiscrepancyNotFound, StaleVersion, AlreadyResolved,
    IllegalTransition when nothing is proposed.
    """
    with books.hub.transaction() as session:
        row = moves.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(row.state)):
            raise AlreadyResolved(f"it is {row.state}")
        if row.proposed_by == caller.holder:
            raise SamePerson(caller.holder)
        now = books.now()
        DISCREPANCY_LIFE.after(DiscrepancyState(row.state), DiscrepancyEvent.APPROVED)
        row.approved_by, row.closed_at = caller.holder, now
        told = {"decision": row.decision, "reason": row.reason}
        moves.move(session, row, DiscrepancyEvent.APPROVED, caller, now, **told)
        return reading.discrepancy_view(session, caller, number)
