"""Shapes of events, webhooks and the trial balance.

The portal's door to its webhooks: how delivery went, and delivery once more.

The door of those who missed a webhook: everything that happened, as a feed.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.orders import EventType
from payment_hub.domain.webhooks import WebhookState
from payment_hub.operations.webhooks import (
    list_events,
    list_webhooks,
    resend_webhook,
    resend_webhooks_since,
    show_webhook,
)
from payment_hub.web.api.answers import answer_page, answer_text, answer_view, as_text
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    MomentField,
    NothingSchema,
    PageQuery,
    Shown,
    Strict,
    TextField,
    WholeNumber,
    moment,
    page_of,
    words,
)
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource
from payment_hub.web.resources.orders import OrderSchema


class EventQuery(Strict):
    """From where in the feed."""

    after = TextField(200, metadata={"description": "`next` of the page before; keep it for ever"})
    limit = WholeNumber(1, 500, in_query=True, load_default=100)


class EventSchema(Shown):
    """One change of an order. ``sequence`` counts the changes of one order: what comes late can be told by it."""

    id = fields.String(
        required=True, metadata={"description": "Also the `webhook-id` of its webhook", "example": "evt_17"}
    )
    type = words(EventType, required=True)
    order = fields.String(required=True)
    sequence = fields.Integer(required=True)
    occurred_at = moment(required=True)
    data = fields.Nested(OrderSchema, required=True, metadata={"description": "The order after the change"})


class WebhookQuery(PageQuery):
    """Which webhooks are wanted."""

    state = fields.String(validate=validate.OneOf([str(state) for state in WebhookState]))


class ResendRequest(Strict):
    """Since when webhooks are to be sent again."""

    since = MomentField(required=True)


class DeliverySchema(Shown):
    """One delivery that was tried."""

    url = fields.String(required=True)
    status = fields.Integer(required=True, allow_none=True)
    milliseconds = fields.Integer(required=True)
    answer = fields.String(required=True)
    tried_at = moment(required=True)


class WebhookSchema(Shown):
    """An event on its way to the portal, with every delivery that was tried."""

    event = fields.String(required=True)
    type = words(EventType, required=True)
    order = fields.String(required=True)
    sequence = fields.Integer(required=True)
    portal = fields.String(required=True)
    state = words(WebhookState, required=True)
    due_at = moment(required=True, allow_none=True)
    ended_at = moment(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(DeliverySchema), required=True)


class ResentSchema(Shown):
    """How many webhooks will be sent again."""

    resent = fields.Integer(required=True)


EventPageSchema = page_of(EventSchema)
WebhookPageSchema = page_of(WebhookSchema)


blueprint: Final = Resource(
    "webhooks", __name__, description="Signed messages to the portal, and what became of them."
)


@blueprint.serve(
    Endpoint(
        "GET",
        "/webhooks",
        scope=Scope.EVENTS_READ,
        asks=WebhookQuery,
        gives=WebhookPageSchema,
        consistency=EVENTUAL,
    )
)
def list_webhooks_(asked: dict[str, Any]) -> Response:
    """List webhooks with every delivery that was tried, newest first"""
    state = asked.pop("state", None)
    page = list_webhooks(current_hub(), caller=current_caller(), state=state and WebhookState(state), **asked)
    return answer_page(page, lambda view: view.as_wire())


@blueprint.serve(
    Endpoint(
        "GET",
        "/webhooks/<event_id>",
        scope=Scope.EVENTS_READ,
        gives=WebhookSchema,
        refuses=(errors.EventNotFound,),
    )
)
def show_webhook_(event_id: str) -> Response:
    """Show a webhook"""
    return answer_view(show_webhook(current_hub(), caller=current_caller(), event_id=event_id))


@blueprint.serve(
    Endpoint(
        "POST",
        "/webhooks/<event_id>/resend",
        scope=Scope.WEBHOOKS_RESEND,
        takes=NothingSchema,
        gives=WebhookSchema,
        refuses=(errors.EventNotFound,),
    )
)
def resend(_: dict[str, Any], event_id: str) -> Response:
    """Send a webhook again"""
    return answer_view(resend_webhook(current_hub(), caller=current_caller(), event_id=event_id))


@blueprint.serve(
    Endpoint("POST", "/webhooks/resend", scope=Scope.WEBHOOKS_RESEND, takes=ResendRequest, gives=ResentSchema)
)
def resend_since(asked: dict[str, Any]) -> Response:
    """Send every webhook again from a moment on"""
    count = resend_webhooks_since(current_hub(), caller=current_caller(), since=asked["since"])
    return answer_text(as_text({"resent": count}))


events_blueprint: Final = Resource(
    "events", __name__, description="What happened to orders, as a feed that only grows."
)


@events_blueprint.serve(
    Endpoint(
        "GET",
        "/events",
        scope=Scope.EVENTS_READ,
        asks=EventQuery,
        gives=EventPageSchema,
        consistency=EVENTUAL,
    )
)
def list_events_(asked: dict[str, Any]) -> Response:
    """Read the feed of events, oldest first

    Keep `next` and send it as `after`: nothing is missed and nothing comes twice. A page without items means that
    there is nothing new yet; its `next` is still the place to go on from.
    """
    page = list_events(current_hub(), caller=current_caller(), **asked)
    return answer_page(page, lambda view: view.as_wire())
