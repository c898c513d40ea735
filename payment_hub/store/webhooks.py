"""SQL of events and webhooks: the feed, claiming and recording deliveries, sending again, and views."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.orders import EventType
from payment_hub.domain.webhooks import (
    WEBHOOK_LIFE,
    DeliveryView,
    EventCursor,
    EventView,
    WebhookAnswer,
    WebhookEvent,
    WebhookState,
    WebhookView,
    event_id_of,
)
from payment_hub.store.named_sql import named
from payment_hub.store.tables import Event, PaymentOrder, Portal, Webhook, WebhookDelivery
from payment_hub.store.tables.webhooks import Xid8

#: The columns of an event's view, which is also its webhook's body.
_EVENT_COLUMNS: Final = (
    Event.id,
    Event.txid,
    Event.type,
    Event.sequence,
    Event.occurred_at,
    Event.data,
    PaymentOrder.reference.label("order_reference"),
)


def visible_to(caller: Caller) -> tuple[ColumnElement[bool], ...]:
    """The conditions on the events that the caller may see: a portal and an agency see their own."""
    match caller.role:
        case Role.PORTAL:
            return (Event.portal_id == caller.portal_id,)
        case Role.AGENCY:
            return (Event.agency_id == caller.agency_id,)
        case Role.OFFICER if caller.agency_id is not None:
            return (Event.agency_id == caller.agency_id,)
        case Role.OFFICER | Role.OPERATOR:
            return ()


def feed(session: Session, caller: Caller, after: EventCursor | None, limit: int) -> list[EventView]:
    """The caller's events after a cursor, in the order of the feed.

    Numbers are drawn before transactions commit, so a lower one may still appear after a higher one was read.
    The feed is therefore ordered by transaction, and stops before the oldest transaction that is still
    running: the events before a cursor never change.
    """
    settled = Event.txid < func.pg_snapshot_xmin(func.pg_current_snapshot())
    query = (
        select(*_EVENT_COLUMNS)
        .join(PaymentOrder, PaymentOrder.id == Event.order_id)
        .where(settled, *visible_to(caller))
    )
    if after is not None:
        place = tuple_(Event.txid, Event.id)
        query = query.where(place > tuple_(cast(cast(str(after.txid), Text), Xid8()), after.number))
    return [
        event_view(row) for row in session.execute(_in_order(query, limit, by_portal=not visible_to(caller)))
    ]


def _in_order(query: Select[Any], limit: int, *, by_portal: bool) -> Select[Any]:
    """The first events in the order of the feed; for all portals, the first of each portal by its index, merged."""
    if not by_portal:
        return query.order_by(Event.txid, Event.id).limit(limit)
    lane = query.where(Event.portal_id == Portal.id).order_by(Event.txid, Event.id).limit(limit).lateral()
    merged = select(lane).select_from(Portal).join(lane, true())
    return merged.order_by(lane.c.txid, lane.c.id).limit(limit)


def event_view(row: Row[Any]) -> EventView:
    """A row of ``_EVENT_COLUMNS`` as an event."""
    return EventView(
        id=event_id_of(row.id),
        cursor=EventCursor(int(row.txid), row.id).as_text(),
        type=EventType(row.type),
        order_reference=row.order_reference,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        data=row.data,
    )


_SQL: Final = {
    name: text(sql)
    for name, sql in named("payment_hub.store", "sql/webhooks.sql", pending=WebhookState.PENDING).items()
}

#: The bare table, for one statement with many rows; the ORM would update by primary key alone.
_WEBHOOK: Final = Webhook.metadata.tables[Webhook.__tablename__]


@dataclass(frozen=True, slots=True)
class ClaimedWebhook:
    """A webhook that this worker alone sends until the lease ends."""

    number: int
    event: EventView
    portal: str
    url: str | None
    key_version: int
    attempts: int
    """Tries so far, since it was last started afresh."""
    lease_ends_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookOutcome:
    """The result of a claimed webhook: its next state, and the delivery, if one was tried."""

    webhook: ClaimedWebhook
    state: WebhookState
    due_at: datetime
    ended_at: datetime | None
    attempts: int
    answer: WebhookAnswer | None
    tried_at: datetime


def claim_webhooks(
    session: Session, now: datetime, lease_ends: datetime, *, most: int, share: int
) -> list[ClaimedWebhook]:
    """Take up to ``most`` due webhooks, up to ``share`` of one portal, in the order in which they fell due."""
    params = {"now": now, "lease_ends": lease_ends, "most": most, "share": share}
    claimed = session.scalars(_SQL["claim"], params).all()
    if not claimed:
        return []
    rows = session.execute(
        _webhooks()
        .add_columns(Portal.webhook_url, Portal.webhook_key_version)
        .where(Webhook.event_id.in_(claimed))
        .order_by(Event.id)
    )
    return [
        ClaimedWebhook(
            number=row.id,
            event=event_view(row),
            portal=row.portal,
            url=row.webhook_url,
            key_version=row.webhook_key_version,
            attempts=row.attempts,
            lease_ends_at=row.due_at,
        )
        for row in rows
    ]


def record_delivery(session: Session, outcomes: Sequence[WebhookOutcome]) -> None:
    """Write every delivery, and move the webhooks whose lease is still this worker's."""
    deliveries = [
        {
            "event_id": outcome.webhook.number,
            "url": outcome.webhook.url,
            "status": outcome.answer.status,
            "milliseconds": outcome.answer.milliseconds,
            "answer": outcome.answer.text,
            "tried_at": outcome.tried_at,
        }
        for outcome in outcomes
        if outcome.answer is not None
    ]
    if deliveries:
        session.execute(insert(WebhookDelivery), deliveries)
    moves = [
        {
            "number": outcome.webhook.number,
            "lease": outcome.webhook.lease_ends_at,
            "state": outcome.state,
            "attempts": outcome.attempts,
            "due_at": outcome.due_at,
            "ended_at": outcome.ended_at,
        }
        for outcome in sorted(outcomes, key=lambda outcome: outcome.webhook.number)
    ]
    leased = (
        Webhook.event_id == bindparam("number"),
        Webhook.state == WebhookState.PENDING,
        Webhook.due_at == bindparam("lease"),
    )
    session.connection().execute(update(_WEBHOOK).where(*leased), moves)


def resend(session: Session, now: datetime, *of_events: ColumnElement[bool]) -> int:
    """Make these events' webhooks due now, with all tries again; how many. A portal without an address gets none."""
    chosen = (
        select(Event.id, Event.portal_id, literal(now))
        .join(Portal, Portal.id == Event.portal_id)
        .where(Portal.webhook_url.is_not(None), *of_events)
        .order_by(Event.id)
    )
    again = insert_or(Webhook).from_select(["event_id", "portal_id", "due_at"], chosen)
    afresh = {"state": WEBHOOK_LIFE.first, "attempts": 0, "due_at": again.excluded.due_at, "ended_at": None}
    revivable = Webhook.state.in_(WEBHOOK_LIFE.sources(WebhookEvent.SENT_AGAIN))
    statement = again.on_conflict_do_update(index_elements=[Webhook.event_id], set_=afresh, where=revivable)
    return len(session.scalars(statement.returning(Webhook.event_id)).all())


def next_key_version(session: Session, portal: str) -> int | None:
    """Raise the version of a portal's secret by one; the new version, or None if there is no such portal."""
    statement = (
        update(Portal).where(Portal.code == portal).values(webhook_key_version=Portal.webhook_key_version + 1)
    )
    return session.scalar(statement.returning(Portal.webhook_key_version))


def webhook_view(session: Session, caller: Caller, number: int) -> WebhookView | None:
    """The webhook of one event, if the caller may see it."""
    row = session.execute(_webhooks().where(Event.id == number, *visible_to(caller))).one_or_none()
    return None if row is None else _view(row, _deliveries(session, [number]).get(number, ()))


def list_webhooks(
    session: Session, caller: Caller, state: WebhookState | None, before: int | None, limit: int
) -> list[tuple[int, WebhookView]]:
    """Webhooks that the caller may see, newest event first, each with its key."""
    query = _webhooks().where(*visible_to(caller))
    if state is not None:
        query = query.where(Webhook.state == state)
    if before is not None:
        query = query.where(Event.id < before)
    rows = session.execute(query.order_by(Event.id.desc()).limit(limit)).all()
    deliveries = _deliveries(session, [row.id for row in rows])
    return [(row.id, _view(row, deliveries.get(row.id, ()))) for row in rows]


def _webhooks() -> Select[Any]:
    return (
        select(
            *_EVENT_COLUMNS,
            Webhook.state,
            Webhook.attempts,
            Webhook.due_at,
            Webhook.ended_at,
            Portal.code.label("portal"),
        )
        .join(Webhook, Webhook.event_id == Event.id)
        .join(PaymentOrder, PaymentOrder.id == Event.order_id)
        .join(Portal, Portal.id == Event.portal_id)
    )


def _deliveries(session: Session, numbers: Collection[int]) -> dict[int, tuple[DeliveryView, ...]]:
    deliveries: dict[int, tuple[DeliveryView, ...]] = {}
    query = select(WebhookDelivery).where(WebhookDelivery.event_id.in_(numbers)).order_by(WebhookDelivery.id)
    for row in session.scalars(query):
        view = DeliveryView(row.url, row.status, row.milliseconds, row.answer, row.tried_at)
        deliveries[row.event_id] = (*deliveries.get(row.event_id, ()), view)
    return deliveries


def _view(row: Row[Any], attempts: tuple[DeliveryView, ...]) -> WebhookView:
    return WebhookView(
        event_id=event_id_of(row.id),
        type=EventType(row.type),
        order_reference=row.order_reference,
        sequence=row.sequence,
        portal=row.portal,
        state=WebhookState(row.state),
        due_at=row.due_at if row.state == WebhookState.PENDING else None,
        ended_at=row.ended_at,
        attempts=attempts,
    )
