"""Shapes of events, notices and the trial balance."""

from __future__ import annotations

from marshmallow import fields, validate

from payment_hub.domain.notice import EventType, NoticeState
from payment_hub.web.schemas.fields import MomentField, Shown, Strict, TextField, WholeNumber
from payment_hub.web.schemas.orders import OrderSchema
from payment_hub.web.schemas.parts import PageQuery, moment, page_of, words


class EventQuery(Strict):
    """From where in the feed."""

    after = TextField(200, metadata={"description": "`next` of the page before; keep it for ever"})
    limit = WholeNumber(1, 500, in_query=True, load_default=100)


class EventSchema(Shown):
    """One change of an order. ``sequence`` counts the changes of one order: what comes late can be told by it."""

    id = fields.String(
        required=True, metadata={"description": "Also the `webhook-id` of its notice", "example": "evt_17"}
    )
    type = words(EventType, required=True)
    order = fields.String(required=True)
    sequence = fields.Integer(required=True)
    occurred_at = moment(required=True)
    data = fields.Nested(OrderSchema, required=True, metadata={"description": "The order after the change"})


class NoticeQuery(PageQuery):
    """Which notices are wanted."""

    state = fields.String(validate=validate.OneOf([str(state) for state in NoticeState]))


class ResendRequest(Strict):
    """Since when notices are to be sent again."""

    since = MomentField(required=True)


class NoticeAttemptSchema(Shown):
    """One delivery that was tried."""

    url = fields.String(required=True)
    status = fields.Integer(required=True, allow_none=True)
    milliseconds = fields.Integer(required=True)
    answer = fields.String(required=True)
    tried_at = moment(required=True)


class NoticeSchema(Shown):
    """An event on its way to the portal, with every delivery that was tried."""

    event = fields.String(required=True)
    type = words(EventType, required=True)
    order = fields.String(required=True)
    sequence = fields.Integer(required=True)
    portal = fields.String(required=True)
    state = words(NoticeState, required=True)
    due_at = moment(required=True, allow_none=True)
    ended_at = moment(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(NoticeAttemptSchema), required=True)


class ResentSchema(Shown):
    """How many notices will be sent again."""

    resent = fields.Integer(required=True)


EventPageSchema = page_of(EventSchema)
NoticePageSchema = page_of(NoticeSchema)
