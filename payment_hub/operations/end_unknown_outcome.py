"""Say, as an officer with evidence, that an attempt of unknown outcome has taken no money."""

from __future__ import annotations

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.errors import IllegalTransition, OrderNotFound
from payment_hub.domain.keys import Caller
from payment_hub.domain.payment_attempt import ATTEMPT_LIFE, AttemptEvent, AttemptState
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_order import ask_about_order
from payment_hub.store import attempts, orders
from payment_hub.store.tables import AttemptEnding


def end_unknown_outcome(hub: Hub, *, caller: Caller, reference: str, reason: str) -> AttemptView:
    """The attempt, FAILED, so that the payer can pay again; who said so and why is kept. The bank is asked once more.

    Money that it proves after all still counts. Raises MalformedReference; OrderNotFound; IllegalTransition for an
    outcome that is known, or that does not lie before an officer yet.
    """
    order = parse_reference(reference.partition("-")[0])
    with hub.transaction() as session:
        orders.find_row(session, order, caller)
    ask_about_order(hub, reference=order)
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, order)
        row = orders.find_row(session, order, caller)
        tried = attempts.of_order(session, row["order_id"])
        attempt = next((each for each in tried if each.reference == reference), None)
        if attempt is None:
            raise OrderNotFound(reference)
        state, unproven = AttemptState(attempt.state), attempts.unproven(attempt)
        if attempt.officer_since is None or not (unproven or state is AttemptState.UNKNOWN):
            raise IllegalTransition(f"attempt {reference} is {state} and does not lie before an officer")
        if state is not AttemptState.FAILED:
            attempt.state = ATTEMPT_LIFE.after(state, AttemptEvent.DECLINED)
        attempt.told = None
        attempt.changed_at = now
        session.add(AttemptEnding(attempt_id=attempt.id, ended_by=caller.holder, reason=reason, ended_at=now))
        session.flush()
        return attempts.view(session, attempt, hub.promise_of(attempt.bank), now)
