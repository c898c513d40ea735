"""The door of those who missed a notice: everything that happened, as a feed."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.current import current_hub
from payment_hub.domain.keys import Scope
from payment_hub.operations.list_events import list_events
from payment_hub.web.answers import answer_page
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.events import EventPageSchema, EventQuery

door: Final = Door("events", __name__, description="What happened to orders, as a feed that only grows.")


@door.serve(
    Endpoint(
        "GET",
        "/events",
        scope=Scope.EVENTS_READ,
        asks=EventQuery,
        gives=EventPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """Read the feed of events, oldest first

    Keep `next` and send it as `after`: nothing is missed and nothing comes twice. A page without items means that
    there is nothing new yet; its `next` is still the place to go on from.
    """
    page = list_events(current_hub(), caller=current_caller(), **asked)
    return answer_page(page, lambda view: view.as_wire())
