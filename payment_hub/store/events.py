"""The feed of events, and who may see which of them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, Select, Text, cast, func, select, true, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from payment_hub.domain.event_cursor import EventCursor, event_id_of
from payment_hub.domain.keys import Caller, Role
from payment_hub.domain.notice_views import EventView
from payment_hub.store.tables import Event, PaymentOrder, Portal
from payment_hub.store.tables.events import Xid8

#: What an event is shown by; also read by whoever sends its notice.
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
        type=row.type,
        order_reference=row.order_reference,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        data=row.data,
    )
