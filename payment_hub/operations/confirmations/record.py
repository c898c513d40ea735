"""Judge and record one confirmation, exactly once however often it is delivered."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import HubUnavailable
from payment_hub.domain.judgement import Judgement, judge
from payment_hub.domain.payments import AttemptEvent, AttemptState, Awaiting, after_outcome
from payment_hub.domain.settlement import Corroboration, Disposition, Source, Verdict
from payment_hub.domain.wire import to_wire
from payment_hub.hub import DriverConnection, Hub
from payment_hub.store.confirmations import (
    ConfirmationContext,
    record_awaiting,
    record_for_order,
    record_without_order,
    store_and_read,
)
from payment_hub.store.connections import AlreadyClaimed, claimed_key
from payment_hub.store.orders import order_view

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
    contradicted: bool = False,
) -> Judgement:
    """What the confirmation means, recorded with all that follows from it in one commit.

    Push, poll and statement all come through here. ``request`` is the raw message, stored before it is judged;
    ``callback_id`` names one that was stored earlier; ``contradicted`` says that the bank told something else before.
    Raises HubUnavailable when it could not be recorded.
    """
    corroboration = Corroboration.CONFLICT if contradicted else _corroboration(hub, confirmation, source)
    with hub.autocommit() as connection:
        known = store_and_read(connection, confirmation, request, received_at, callback_id)
        for _ in range(TRIES):
            judgement = judge(confirmation, known.standing, received_at, corroboration)
            if _record(hub, connection, confirmation, judgement, known, source):
                return judgement
            known = store_and_read(connection, confirmation, None, received_at, known.callback_id)
    raise HubUnavailable("too many confirmations of one order at once")


def _record(
    hub: Hub,
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
    source: Source,
) -> bool:
    """Whether it is recorded; False when somebody was faster and it must be judged anew."""
    now = hub.now()
    # Only what is applied moves the attempt: a contradiction, or a word without proof, changes no fact.
    applied = judgement.disposition is Disposition.APPLIED and judgement.verdict is not Verdict.NEEDS_INQUIRY
    attempt = _attempt_after(confirmation.outcome, known) if applied else None
    try:
        if _recorded_as_awaiting(hub, connection, confirmation, judgement, known, source):
            return True
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


def _recorded_as_awaiting(
    hub: Hub,
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
    source: Source,
) -> bool:
    """Whether it is a word that is no outcome, for which the bank is to be asked; then it is recorded."""
    awaiting, now = _awaiting(confirmation, judgement, source), hub.now()
    if awaiting is None:
        return False
    expected_by = hub.expectation_of(confirmation.bank).expected_by(now, now, now)
    recorded = (connection, confirmation, judgement, known)
    record_awaiting(*recorded, source=source, now=now, awaiting=awaiting, expected_by=expected_by)
    return True


def _corroboration(hub: Hub, confirmation: Confirmation, source: Source) -> Corroboration:
    """A callback that tells of money may want a second word; an answer to our question or a statement is one."""
    wants = source is Source.CALLBACK and confirmation.outcome is Outcome.PAID
    unproven = wants and hub.terms_of(confirmation.bank).needs_inquiry(confirmation.amount)
    return Corroboration.NEEDS_INQUIRY if unproven else Corroboration.CONFIRMED


def _awaiting(confirmation: Confirmation, judgement: Judgement, source: Source) -> Awaiting | None:
    """What the bank has to be asked for because of this callback, which is no outcome itself."""
    if judgement.verdict is Verdict.NEEDS_INQUIRY:
        return Awaiting.CONFIRMATION
    waits = judgement.verdict is Verdict.STILL_PENDING and confirmation.authorised
    return Awaiting.CAPTURE if waits and source is Source.CALLBACK else None


def _attempt_after(outcome: Outcome, known: ConfirmationContext) -> tuple[AttemptState, bool] | None:
    """The attempt's state afterwards, and whether the bank contradicts what it said of it before."""
    if known.attempt is None or outcome is Outcome.PENDING:
        return None
    _, state = known.attempt
    event = AttemptEvent.PAID if outcome is Outcome.PAID else AttemptEvent.DECLINED
    return after_outcome(state, event)


def _event_data(hub: Hub, judgement: Judgement, known: ConfirmationContext) -> dict[str, object] | None:
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
    return to_wire(view)
