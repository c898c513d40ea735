"""The feed of events, and who may see which of them.

Webhooks: claiming those that are due, recording what became of them, and showing where they stand.
"""

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
from payment_hub.store.tables import Event, PaymentOrder, Portal, Webhook, WebhookDelivery
from payment_hub.store.tables.webhooks import Xid8

#: What an event is shown by; also read by whoever sends its webhook.
SHOWN: Final = (
    Event.id,
    Event.txid,
    Event.type,
    Event.sequence,
    Event.occurred_at,
    Event.data,
    PaymentOrder.reference.label("order_reference"),
)


def seen_by(caller: Caller) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which the caller may see an event: a portal its own orders, an agency its own."""
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
    running: whatever is behind a cursor never changes.
    """
    settled = Event.txid < func.pg_snapshot_xmin(func.pg_current_snapshot())
    asked = (
        select(*SHOWN).join(PaymentOrder, PaymentOrder.id == Event.order_id).where(settled, *seen_by(caller))
    )
    if after is not None:
        here = tuple_(Event.txid, Event.id)
        asked = asked.where(here > tuple_(cast(cast(str(after.txid), Text), Xid8()), after.number))
    return [
        event_view(row) for row in session.execute(_in_order(asked, limit, by_portal=not seen_by(caller)))
    ]


def _in_order(asked: Select[Any], limit: int, *, by_portal: bool) -> Select[Any]:
    """The first of the feed. Whoever sees all portals gets the first of each, by its index, merged."""
    if not by_portal:
        return asked.order_by(Event.txid, Event.id).limit(limit)
    lane = asked.where(Event.portal_id == Portal.id).order_by(Event.txid, Event.id).limit(limit).lateral()
    merged = select(lane).select_from(Portal).join(lane, true())
    return merged.order_by(lane.c.txid, lane.c.id).limit(limit)


def event_view(row: Row[Any]) -> EventView:
    """A row of ``SHOWN`` as an event."""
    return EventView(
        id=event_id_of(row.id),
        cursor=EventCursor(int(row.txid), row.id).as_text(),
        type=EventType(row.type),
        order_reference=row.order_reference,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        data=row.data,
    )


#: Due webhooks become the claimer's until the lease ends. No portal gets more than its share of a batch, so
#: that one with a long backlog does not hold up the others; rows that another worker is claiming are passed
#: over.
_CLAIM: Final = text(
    """
    WITH due AS MATERIALIZED (
        SELECT turn.event_id
        FROM portal CROSS JOIN LATERAL (
            SELECT event_id, due_at FROM webhook
            WHERE webhook.portal_id = portal.id AND state = 'PENDING' AND due_at <= :now
            ORDER BY due_at, event_id LIMIT :share FOR UPDATE SKIP LOCKED) AS turn
        ORDER BY turn.due_at, turn.event_id LIMIT :most)
    UPDATE webhook SET due_at = :lease_ends FROM due WHERE webhook.event_id = due.event_id
    RETURNING webhook.event_id
    """
)

#: The bare table, for one statement with many rows; the ORM would update by primary key alone.
_WEBHOOK: Final = Webhook.metadata.tables[Webhook.__tablename__]


@dataclass(frozen=True, slots=True)
class ClaimedWebhook:
    """A webhook that is ours to send until the lease ends."""

    number: int
    event: EventView
    portal: str
    url: str | None
    key_version: int
    attempts: int
    """How often it was tried before, on this ladder."""
    lease_ends_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookOutcome:
    """What became of a claimed webhook: its next state, and the attempt that was made, if one was."""

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
    asked = {"now": now, "lease_ends": lease_ends, "most": most, "share": share}
    claimed = session.scalars(_CLAIM, asked).all()
    if not claimed:
        return []
    rows = session.execute(
        _webhookd()
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
    """Write every attempt, and move the webhooks whose lease is still ours; of others their taker decides."""
    tried = [_attempt_row(outcome, outcome.answer) for outcome in outcomes if outcome.answer is not None]
    if tried:
        session.execute(insert(WebhookDelivery), tried)
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
    still_ours = (
        Webhook.event_id == bindparam("number"),
        Webhook.state == WebhookState.PENDING,
        Webhook.due_at == bindparam("lease"),
    )
    session.connection().execute(update(_WEBHOOK).where(*still_ours), moves)


def send_again(session: Session, now: datetime, *of_events: ColumnElement[bool]) -> int:
    """Make these events' webhooks due now, with a fresh ladder; how many. Portals without address get none."""
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
    """Raise the version of a portal's secret by one; the new one, or nothing if there is no such portal."""
    later = (
        update(Portal).where(Portal.code == portal).values(webhook_key_version=Portal.webhook_key_version + 1)
    )
    return session.scalar(later.returning(Portal.webhook_key_version))


def webhook_view(session: Session, caller: Caller, number: int) -> WebhookView | None:
    """The webhook of one event, if the caller may see it."""
    row = session.execute(_webhookd().where(Event.id == number, *seen_by(caller))).one_or_none()
    return None if row is None else _view(row, _attempts(session, [number]).get(number, ()))


def list_webhooks(
    session: Session, caller: Caller, state: WebhookState | None, before: int | None, limit: int
) -> list[tuple[int, WebhookView]]:
    """Webhooks that the caller may see, newest event first, each with its key."""
    asked = _webhookd().where(*seen_by(caller))
    if state is not None:
        asked = asked.where(Webhook.state == state)
    if before is not None:
        asked = asked.where(Event.id < before)
    rows = session.execute(asked.order_by(Event.id.desc()).limit(limit)).all()
    attempts = _attempts(session, [row.id for row in rows])
    return [(row.id, _view(row, attempts.get(row.id, ()))) for row in rows]


def _webhookd() -> Select[Any]:
    return (
        select(
            *SHOWN,
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


def _attempts(session: Session, numbers: Collection[int]) -> dict[int, tuple[DeliveryView, ...]]:
    found: dict[int, tuple[DeliveryView, ...]] = {}
    asked = select(WebhookDelivery).where(WebhookDelivery.event_id.in_(numbers)).order_by(WebhookDelivery.id)
    for row in session.scalars(asked):
        view = DeliveryView(row.url, row.status, row.milliseconds, row.answer, row.tried_at)
        found[row.event_id] = (*found.get(row.event_id, ()), view)
    return found


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


def _attempt_row(outcome: WebhookOutcome, answer: WebhookAnswer) -> dict[str, Any]:
    return {
        "event_id": outcome.webhook.number,
        "url": outcome.webhook.url,
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "answer": answer.text,
        "tried_at": outcome.tried_at,
    }
