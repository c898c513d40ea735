"""The feed of events, the webhooks that carry them to the portal, and sending a webhook again."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.paging import Page
from payment_hub.domain.webhooks import EventView, ResentView, WebhookState, WebhookView
from payment_hub.operations.webhooks import (
    list_events,
    list_webhooks,
    resend_webhook,
    resend_webhooks_since,
    show_webhook,
)
from payment_hub.web.api.answers import answer
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    MomentField,
    NothingSchema,
    PageQuery,
    Strict,
    TextField,
    WholeNumber,
)
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource


class EventQuery(Strict):
    """From where in the feed."""

    after = TextField(200, metadata={"description": "`next` of the page before; keep it for ever"})
    limit = WholeNumber(1, 500, in_query=True, load_default=100)


class WebhookQuery(PageQuery):
    """Which webhooks are wanted."""

    state = fields.String(validate=validate.OneOf([str(state) for state in WebhookState]))


class ResendRequest(Strict):
    """Since when webhooks are to be sent again."""

    since = MomentField(required=True)


blueprint: Final = Resource(
    "webhooks", __name__, description="Signed messages to the portal, and what became of them."
)


@blueprint.serve(
    Endpoint(
        "GET",
        "/webhooks",
        scope=Scope.EVENTS_READ,
        query=WebhookQuery,
        gives=Page[WebhookView],
        consistency=EVENTUAL,
    )
)
def list_webhooks_(query: dict[str, Any]) -> Response:
    """List webhooks with every delivery that was tried, newest first"""
    state = query.pop("state", None)
    page = list_webhooks(current_hub(), caller=current_caller(), state=state and WebhookState(state), **query)
    return answer(page)


@blueprint.serve(
    Endpoint(
        "GET",
        "/webhooks/<event_id>",
        scope=Scope.EVENTS_READ,
        gives=WebhookView,
        refuses=(errors.EventNotFound,),
    )
)
def show_webhook_(event_id: str) -> Response:
    """Show a webhook"""
    return answer(show_webhook(current_hub(), caller=current_caller(), event_id=event_id))


@blueprint.serve(
    Endpoint(
        "POST",
        "/webhooks/<event_id>/resend",
        scope=Scope.WEBHOOKS_RESEND,
        takes=NothingSchema,
        gives=WebhookView,
        refuses=(errors.EventNotFound,),
    )
)
def resend(_: dict[str, Any], event_id: str) -> Response:
    """Send a webhook again"""
    return answer(resend_webhook(current_hub(), caller=current_caller(), event_id=event_id))


@blueprint.serve(
    Endpoint("POST", "/webhooks/resend", scope=Scope.WEBHOOKS_RESEND, takes=ResendRequest, gives=ResentView)
)
def resend_since(body: dict[str, Any]) -> Response:
    """Send every webhook again from a moment on"""
    count = resend_webhooks_since(current_hub(), caller=current_caller(), since=body["since"])
    return answer(ResentView(count))


events_blueprint: Final = Resource(
    "events", __name__, description="What happened to orders, as a feed that only grows."
)


@events_blueprint.serve(
    Endpoint(
        "GET",
        "/events",
        scope=Scope.EVENTS_READ,
        query=EventQuery,
        gives=Page[EventView],
        consistency=EVENTUAL,
    )
)
def list_events_(query: dict[str, Any]) -> Response:
    """Read the feed of events, oldest first

    Keep `next` and send it as `after`: nothing is missed and nothing comes twice. A page without items means that
    there is nothing new yet; its `next` is still the place to go on from.
    """
    page = list_events(current_hub(), caller=current_caller(), **query)
    return answer(page)
