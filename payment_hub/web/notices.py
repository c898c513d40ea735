"""The portal's door to its notices: how delivery went, and delivery once more."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.keys import Scope
from payment_hub.domain.notice import NoticeState
from payment_hub.operations.list_notices import list_notices
from payment_hub.operations.resend_notice import resend_notice
from payment_hub.operations.resend_notices_since import resend_notices_since
from payment_hub.operations.show_notice import show_notice
from payment_hub.web.answers import answer_page, answer_text, answer_view, as_text
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.events import (
    NoticePageSchema,
    NoticeQuery,
    NoticeSchema,
    ResendRequest,
    ResentSchema,
)
from payment_hub.web.schemas.parts import NothingSchema

door: Final = Door("notices", __name__, description="Signed messages to the portal, and what became of them.")


@door.serve(
    Endpoint(
        "GET",
        "/notices",
        scope=Scope.EVENTS_READ,
        asks=NoticeQuery,
        gives=NoticePageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List notices with every delivery that was tried, newest first"""
    state = asked.pop("state", None)
    page = list_notices(current_hub(), caller=current_caller(), state=state and NoticeState(state), **asked)
    return answer_page(page, lambda view: view.as_wire())


@door.serve(
    Endpoint(
        "GET",
        "/notices/<event_id>",
        scope=Scope.EVENTS_READ,
        gives=NoticeSchema,
        refuses=(errors.EventNotFound,),
    )
)
def show(event_id: str) -> Response:
    """Show a notice"""
    return answer_view(show_notice(current_hub(), caller=current_caller(), event_id=event_id))


@door.serve(
    Endpoint(
        "POST",
        "/notices/<event_id>/resend",
        scope=Scope.NOTICES_RESEND,
        takes=NothingSchema,
        gives=NoticeSchema,
        refuses=(errors.EventNotFound,),
    )
)
def resend(_: dict[str, Any], event_id: str) -> Response:
    """Send a notice again"""
    return answer_view(resend_notice(current_hub(), caller=current_caller(), event_id=event_id))


@door.serve(
    Endpoint("POST", "/notices/resend", scope=Scope.NOTICES_RESEND, takes=ResendRequest, gives=ResentSchema)
)
def resend_since(asked: dict[str, Any]) -> Response:
    """Send every notice again from a moment on"""
    count = resend_notices_since(current_hub(), caller=current_caller(), since=asked["since"])
    return answer_text(as_text({"resent": count}))
