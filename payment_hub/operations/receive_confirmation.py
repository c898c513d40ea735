"""Judge and record one confirmation, exactly once however often it is delivered."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.bank_port import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import HubUnavailable
from payment_hub.domain.judgement import Judgement, judge
from payment_hub.domain.payment_attempt import ATTEMPT_LIFE, AttemptEvent, AttemptState
from payment_hub.domain.standing import Disposition, Source
from payment_hub.hub import Hub, Statements
from payment_hub.store.claims import AlreadyClaimed, claimed_key
from payment_hub.store.judgements import record_for_order, record_without_order
from payment_hub.store.order_rows import order_view
from payment_hub.store.standings import Known, hear

#: Each lost race means that another confirmation of the same obligation was recorded, so this is never reached.
TRIES = 100

#: The constraint by which one callback is judged once, even when two judge it at the same moment.
_CALLBACK_JUDGED = "uq_confirmation_callback_id"


def receive_confirmation(
    hub: Hub,
    *,
    confirmation: Confirmation,
    source: Source,
    received_at: datetime,
    request: CallbackRequest | None = None,
    callback_id: int | None = None,
) -> Judgement:
    """What the confirmation means, recorded with all that follows from it in one commit.

    Push, poll and statement all come through here. ``request`` is the raw message, stored before it is judged;
    ``callback_id`` names one that was stored earlier. Raises HubUnavailable when it could not be recorded.
    """
    with hub.at_once() as connection:
        known = hear(connection, confirmation, request, callback_id)
        for _ in range(TRIES):
            judgement = judge(confirmation, known.standing, received_at)
            if _record(hub, connection, confirmation, judgement, known, source):
                return judgement
            known = hear(connection, confirmation, None, known.callback_id)
    raise HubUnavailable("too many confirmations of one order at once")


def _record(
    hub: Hub,
    connection: Statements,
    confirmation: Confirmation,
    judgement: Judgement,
    known: Known,
    source: Source,
) -> bool:
    """Whether it is recorded; False when somebody was faster and it must be judged anew."""
    now = hub.now()
    # Only what is applied moves the attempt: a contradiction, or a word without proof, changes no fact.
    applied = judgement.disposition is Disposition.APPLIED
    attempt = _attempt_after(confirmation.outcome, known) if applied else None
    try:
        if judgement.after is None and attempt is None:
            record_without_order(connection, confirmation, judgement, known, source=source, now=now)
            return True
        return record_for_order(
            connection,
            confirmation,
            judgement,
            known,
            source=source,
            now=now,
            attempt=attempt,
            data=_event_data(hub, judgement, known),
        )
    except AlreadyClaimed as error:
        # The same event or bank transaction was claimed between our reading and our writing: judge anew. If it was
        # this very callback, whoever was faster has recorded it.
        return claimed_key(error) == _CALLBACK_JUDGED


def _attempt_after(outcome: Outcome, known: Known) -> tuple[AttemptState, bool] | None:
    """The attempt's state afterwards, and whether the bank contradicts what it said of it before."""
    if known.attempt is None or outcome is Outcome.PENDING:
        return None
    _, state = known.attempt
    event = AttemptEvent.PAID if outcome is Outcome.PAID else AttemptEvent.DECLINED
    contradicted = (state, event) in {
        (AttemptState.FAILED, AttemptEvent.PAID),
        (AttemptState.SUCCEEDED, AttemptEvent.DECLINED),
    }
    return (ATTEMPT_LIFE.after(state, event) if ATTEMPT_LIFE.allows(state, event) else state), contradicted


def _event_data(hub: Hub, judgement: Judgement, known: Known) -> dict[str, object] | None:
    after, row = judgement.after, known.row
    if after is None:
        return None
    view = order_view(
        row,
        hub.checkout_url(row["reference"]),
        sequence=row["sequence"] + 1,
        received=after.received,
        late=after.late,
        conflict=after.conflict,
        held=after.held,
    )
    return view.as_wire()
