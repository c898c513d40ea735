"""Propose how a discrepancy is to be resolved: the first of two pairs of eyes.

Approve a proposed resolution: the second of two pairs of eyes.

Decline a proposed resolution: the discrepancy is open again.
"""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import AlreadyResolved, Malformed, SamePerson
from reconciliation.books import Books
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE, Decision, DiscrepancyEvent, DiscrepancyState
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
