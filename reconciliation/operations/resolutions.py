"""Resolve a discrepancy with two pairs of eyes: one officer proposes, another one approves or declines."""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import AlreadyResolved, Malformed, SamePerson
from reconciliation.books import Books
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE, Decision, DiscrepancyEvent, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import discrepancies


def propose_resolution(
    books: Books, *, caller: Caller, number: int, decision: Decision, reason: str, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, waiting for another person's approval.

    Raises DiscrepancyNotFound, StaleVersion, AlreadyResolved, IllegalTransition; Malformed without a reason.
    """
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    with books.hub.transaction() as session:
        discrepancy = discrepancies.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(discrepancy.state)):
            raise AlreadyResolved(f"it is {discrepancy.state}")
        event = DiscrepancyEvent.RESOLUTION_PROPOSED
        discrepancy.decision, discrepancy.reason, discrepancy.proposed_by = decision, reason, caller.holder
        discrepancies.move(session, discrepancy, event, caller, books.now(), decision=decision, reason=reason)
        return discrepancies.discrepancy_view(session, caller, number)


def approve_resolution(
    books: Books, *, caller: Caller, number: int, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, resolved. Two approvals at once: one wins, the other is refused.

    Raises SamePerson for the proposer, whichever key they use; DiscrepancyNotFound, StaleVersion, AlreadyResolved,
    IllegalTransition when nothing is proposed.
    """
    with books.hub.transaction() as session:
        discrepancy = discrepancies.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(discrepancy.state)):
            raise AlreadyResolved(f"it is {discrepancy.state}")
        if discrepancy.proposed_by == caller.holder:
            raise SamePerson(caller.holder)
        now = books.now()
        DISCREPANCY_LIFE.after(DiscrepancyState(discrepancy.state), DiscrepancyEvent.APPROVED)
        discrepancy.approved_by, discrepancy.closed_at = caller.holder, now
        discrepancies.move(
            session,
            discrepancy,
            DiscrepancyEvent.APPROVED,
            caller,
            now,
            decision=discrepancy.decision,
            reason=discrepancy.reason,
        )
        return discrepancies.discrepancy_view(session, caller, number)


def decline_resolution(
    books: Books, *, caller: Caller, number: int, reason: str, version: int | None = None
) -> DiscrepancyView:
    """The discrepancy, open again. The proposer may withdraw a proposal in this way.

    Raises DiscrepancyNotFound, StaleVersion, AlreadyResolved, IllegalTransition; Malformed without a reason.
    """
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    with books.hub.transaction() as session:
        discrepancy = discrepancies.lock(session, caller, number, version)
        if DISCREPANCY_LIFE.is_final(DiscrepancyState(discrepancy.state)):
            raise AlreadyResolved(f"it is {discrepancy.state}")
        decision = discrepancy.decision
        discrepancy.decision = discrepancy.reason = discrepancy.proposed_by = None
        discrepancies.move(
            session,
            discrepancy,
            DiscrepancyEvent.DECLINED,
            caller,
            books.now(),
            decision=decision,
            reason=reason,
        )
        return discrepancies.discrepancy_view(session, caller, number)
