"""Attempts of unknown outcome: list them, and end one by an officer's statement that it has taken no money."""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import IllegalTransition, OrderNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.domain.payments import (
    ATTEMPT_LIFE,
    AttemptEvent,
    AttemptState,
    AttemptView,
    Awaiting,
    UnresolvedView,
)
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.operations.payments.query import query_order
from payment_hub.store import orders, payments
from payment_hub.store.tables import AttemptEnding


def list_unresolved(
    hub: Hub, *, caller: Caller, overdue: bool = False, after: str | None = None, limit: int = 50
) -> Page[UnresolvedView]:
    """One page, the oldest first; with ``overdue`` only the escalated ones. Raises Malformed."""
    now = hub.now()
    with hub.transaction() as session:
        rows = payments.list_unresolved(
            session, caller, overdue=overdue, after=read_cursor(after) or 0, limit=limit + 1
        )
    views = [
        UnresolvedView(
            reference=row.reference,
            order_reference=row.order_reference,
            agency=row.agency,
            bank=row.bank,
            state=AttemptState(row.state),
            awaiting=Awaiting(row.awaiting) if row.awaiting else None,
            amount=Money(row.amount, row.currency),
            queries=row.queries,
            unknown_at=row.unknown_at,
            expected_by=hub.expectation_of(row.bank).expected_by(row.unknown_at, row.query_at, now),
            escalated_at=row.escalated_at,
        )
        for row in rows[:limit]
    ]
    return Page(tuple(views), cursor_of(rows[limit - 1].id) if len(rows) > limit else None)


def resolve_attempt(hub: Hub, *, caller: Caller, reference: str, reason: str) -> AttemptView:
    """The attempt, FAILED, so that the payer can pay again; the officer and the reason are stored.

    The bank is queried once more before, and money that it proves later still counts. Raises MalformedReference;
    OrderNotFound; IllegalTransition for an outcome that is decided, or that is not escalated yet.
    """
    order = parse_reference(reference.partition("-")[0])
    with hub.transaction() as session:
        orders.find_row(session, order, caller)
    query_order(hub, reference=order)
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, order)
        row = orders.find_row(session, order, caller)
        attempts = payments.attempts_of_order(session, row["order_id"])
        attempt = next((attempt for attempt in attempts if attempt.reference == reference), None)
        if attempt is None:
            raise OrderNotFound(reference)
        state, awaiting = AttemptState(attempt.state), payments.is_awaiting(attempt)
        if attempt.escalated_at is None or not (awaiting or state is AttemptState.UNKNOWN):
            raise IllegalTransition(f"attempt {reference} is {state} and is not escalated")
        if state is not AttemptState.FAILED:
            attempt.state = ATTEMPT_LIFE.after(state, AttemptEvent.DECLINED)
        attempt.awaiting = None
        attempt.changed_at = now
        session.add(AttemptEnding(attempt_id=attempt.id, ended_by=caller.holder, reason=reason, ended_at=now))
        session.flush()
        return payments.attempt_view(session, attempt, hub.expectation_of(attempt.bank), now)
