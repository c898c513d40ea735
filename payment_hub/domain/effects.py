"""Effects: everything that follows from one decision about an order, derived before anything is written.

The store writes one ``Effects`` value in one commit, whatever it was that was decided: a confirmation, an issue, a
cancellation, an expiry, a refund or a chargeback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.calendar import business_day
from payment_hub.domain.judgement import Judgement
from payment_hub.domain.ledger import Allocation, Transfer, transfers
from payment_hub.domain.money import Money
from payment_hub.domain.orders import (
    EventType,
    OrderFacts,
    OrderFlag,
    OrderView,
    finished,
    flags_of,
    status_of,
)
from payment_hub.domain.payments import AttemptEvent, AttemptState, Awaiting, after_outcome
from payment_hub.domain.receipts import yearly_series
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.settlement import (
    AttemptSnapshot,
    ConfirmationContext,
    Disposition,
    OrderRecord,
    OrderSnapshot,
    OrderTotals,
    Source,
    Verdict,
    allocation,
)
from payment_hub.domain.webhooks import changed_order
from payment_hub.domain.wire import to_wire


class ReceiptRequest(NamedTuple):
    """A receipt to be issued; the store gives it the next number of its agency, series and year."""

    template: str
    series: str
    year: int
    amount: Money


class Events(NamedTuple):
    """Events of one commit, in order. Each shows the order as it stands after all of them."""

    types: tuple[EventType, ...] = ()
    version: int = 0
    """The order's version after the last event."""
    order: Mapping[str, Any] | None = None
    """The order's JSON; the store adds the receipt's number, because only the store knows it."""


NO_EVENTS: Final = Events()


class AttemptChange(NamedTuple):
    """The state of a payment attempt after the bank's message, and whether the bank contradicts itself."""

    id: int
    state: AttemptState
    contradicted: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What is to be written in one commit. What is empty does not change."""

    totals: OrderTotals | None = None
    transfers: tuple[Transfer, ...] = ()
    receipt: ReceiptRequest | None = None
    events: Events = NO_EVENTS
    attempt: AttemptChange | None = None
    awaiting: Awaiting | None = None
    """What the bank must be queried for at once."""

    @property
    def change_order(self) -> bool:
        """Whether the order or its attempt changes, so that the obligation must not have changed meanwhile."""
        return self.totals is not None or self.attempt is not None


def effects_of_confirmation(
    confirmation: Confirmation,
    judgement: Judgement,
    context: ConfirmationContext,
    source: Source,
    now: datetime,
) -> Effects:
    """What follows from a judged confirmation."""
    order, record, totals = context.order, context.record, judgement.totals
    effects = Effects(
        transfers=_transfers(judgement, order),
        attempt=_attempt_change(confirmation.outcome, judgement, context.attempt),
        awaiting=_awaiting(confirmation, judgement, source),
    )
    if order is None or record is None or totals is None:
        return effects
    receipt = None
    if judgement.collects and totals.settled and not order.has_receipt:
        receipt = receipt_request(record, now)
    events = publish(record.view, totals, _event_type(judgement, order, totals))
    return replace(effects, totals=totals, receipt=receipt, events=events)


def effects_of_issue(record: OrderRecord, now: datetime) -> Effects:
    """What follows from a new order; one of zero is paid from the start."""
    view = record.view
    types = (EventType.ISSUED,) if view.required.minor else (EventType.ISSUED, EventType.PAID)
    receipt = None if view.required.minor else receipt_request(record, now)
    return Effects(receipt=receipt, events=Events(types, view.version, to_wire(view)))


def effects_of_closing(closed: OrderView, event: EventType) -> Effects:
    """What follows when an open order is cancelled or expires; ``closed`` carries the moment and the reason.

    Closing ends the offer and not the money: a QR code on paper can still be paid.
    """
    return Effects(events=_events(closed, closed.flags, (event,)))


def publish(
    view: OrderView, totals: OrderTotals, *types: EventType, refund: RefundChange | None = None
) -> Events:
    """Events that show the order of ``view`` with new totals, and the refund that they are about."""
    currency = view.required.currency
    flags = flags_of(
        net=totals.received - totals.refunded,
        required=view.required.minor,
        late=totals.late,
        conflict=totals.conflict,
        held=totals.held,
        disputed=totals.disputed,
    )
    changed = replace(
        view,
        received=Money(totals.received, currency),
        refunded=Money(totals.refunded, currency),
        refundable=Money(totals.received - totals.refunded - totals.held_refund, currency),
    )
    return _events(changed, flags, types, refund)


def receipt_request(record: OrderRecord, now: datetime) -> ReceiptRequest:
    """The receipt of an order that is settled ``now``."""
    year = business_day(now).year
    series = yearly_series(record.receipt_series, year)
    return ReceiptRequest(record.receipt_template, series, year, record.view.required)


def _events(
    view: OrderView,
    flags: tuple[OrderFlag, ...],
    types: tuple[EventType, ...],
    refund: RefundChange | None = None,
) -> Events:
    status = status_of(
        OrderFacts(
            required=view.required.minor,
            received=view.received.minor,
            refunded=view.refunded.minor,
            expired=view.expired_at is not None,
            cancelled=view.cancelled_at is not None,
        )
    )
    version = view.version + len(types)
    after = replace(view, version=version, status=status, flags=flags, finished=finished(status, flags))
    return Events(types, version, to_wire(after if refund is None else changed_order(after, refund)))


def _transfers(judgement: Judgement, order: OrderSnapshot | None) -> tuple[Transfer, ...]:
    collection, totals = judgement.collection, judgement.totals
    if collection is None:
        return ()
    minor = collection.amount.minor
    if order is None or totals is None or collection.amount.currency != order.currency:
        return transfers({}, Allocation(suspense=minor), minor)
    return transfers(order.posted, allocation(order, totals), minor)


def _event_type(judgement: Judgement, order: OrderSnapshot, totals: OrderTotals) -> EventType:
    if judgement.verdict in (Verdict.CONTRADICTS, Verdict.WRONG_CURRENCY):
        return EventType.HELD
    if order.settled_here and totals.received - order.paid_back > order.required:
        return EventType.OVERPAID
    if totals.settled:
        return EventType.PAID
    return EventType.HELD if totals.held else EventType.UNDERPAID


def _attempt_change(
    outcome: Outcome, judgement: Judgement, attempt: AttemptSnapshot | None
) -> AttemptChange | None:
    """Only an applied outcome moves the attempt: a contradiction, or a message without proof, changes no fact."""
    applied = judgement.disposition is Disposition.APPLIED and judgement.verdict is not Verdict.NEEDS_INQUIRY
    if attempt is None or outcome is Outcome.PENDING or not applied:
        return None
    event = AttemptEvent.PAID if outcome is Outcome.PAID else AttemptEvent.DECLINED
    return AttemptChange(attempt.id, *after_outcome(attempt.state, event))


def _awaiting(confirmation: Confirmation, judgement: Judgement, source: Source) -> Awaiting | None:
    """What a callback that is no outcome itself leaves open."""
    if judgement.verdict is Verdict.NEEDS_INQUIRY:
        return Awaiting.CONFIRMATION
    authorised = judgement.verdict is Verdict.STILL_PENDING and confirmation.authorised
    return Awaiting.CAPTURE if authorised and source is Source.CALLBACK else None
