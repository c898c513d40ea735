"""Judge and record one confirmation, exactly once however often it is delivered."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.effects import effects_of_confirmation
from payment_hub.domain.errors import HubUnavailable
from payment_hub.domain.judgement import Judgement, judge
from payment_hub.domain.settlement import Corroboration, Source
from payment_hub.hub import Hub
from payment_hub.store.confirmations import read_context, write
from payment_hub.store.connections import AlreadyClaimed, claimed_key

#: Each lost race means that another confirmation of the same obligation was recorded, so this is never reached.
TRIES = 100

#: The constraint by which one callback is judged once, even when two processes judge it at the same moment.
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
    ``callback_id`` names one that was stored earlier; ``contradicted`` says that the bank stated something else before.
    Raises HubUnavailable when it could not be recorded.
    """
    corroboration = Corroboration.CONFLICT if contradicted else _corroboration(hub, confirmation, source)
    expectation = hub.expectation_of(confirmation.bank)
    with hub.autocommit() as connection:
        for _ in range(TRIES):
            context = read_context(
                connection,
                confirmation,
                received_at,
                hub.checkout_url,
                request=request,
                callback_id=callback_id,
            )
            request, callback_id = None, context.callback_id
            judgement = judge(confirmation, context, received_at, corroboration)
            now = hub.now()
            effects = effects_of_confirmation(confirmation, judgement, context, source, now)
            expected_by = expectation.expected_by(now, now, now)
            try:
                recorded = write(
                    connection,
                    confirmation,
                    judgement,
                    context,
                    effects,
                    source=source,
                    now=now,
                    expected_by=expected_by,
                )
            except AlreadyClaimed as error:
                # The same event or bank transaction was recorded since the context was read: judge anew. If it was this
                # very callback, another process has recorded it.
                recorded = claimed_key(error) == _CALLBACK_JUDGED
            if recorded:
                return judgement
    raise HubUnavailable("too many confirmations of one order at once")


def _corroboration(hub: Hub, confirmation: Confirmation, source: Source) -> Corroboration:
    """A callback about money may need a second proof; an answer to a query or a statement line is one."""
    money = source is Source.CALLBACK and confirmation.outcome is Outcome.PAID
    if money and hub.terms_of(confirmation.bank).needs_inquiry(confirmation.amount):
        return Corroboration.NEEDS_INQUIRY
    return Corroboration.CONFIRMED
