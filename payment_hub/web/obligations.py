"""The agencies' door: what is owed."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from werkzeug.routing import BaseConverter

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.keys import Scope
from payment_hub.operations.amend_obligation import amend_obligation
from payment_hub.operations.list_obligations import list_obligations
from payment_hub.operations.register_obligation import register_obligation
from payment_hub.operations.restore_obligation import restore_obligation
from payment_hub.operations.show_obligation import show_obligation
from payment_hub.operations.withdraw_obligation import withdraw_obligation
from payment_hub.web.answers import answer_page, answer_versioned, wanted_version
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.obligations import (
    AmendRequest,
    ObligationPageSchema,
    ObligationQuery,
    ObligationSchema,
    RegisterRequest,
)
from payment_hub.web.schemas.parts import ReasonSchema

door: Final = Door("obligations", __name__, description="What somebody owes an agency.")

_ONE: Final = "/agencies/<agency>/obligations/<agency_reference:reference>"
_CHANGE: Final = (errors.AgencyNotFound, errors.ObligationNotFound, errors.ObligationClosed)


class AgencyReferenceConverter(BaseConverter):
    """An agency's own reference in an address. It may hold slashes, plain or as ``%2F``: both arrive the same."""

    part_isolating = False
    regex = r"[A-Za-z0-9][A-Za-z0-9._:\-]*(?:/[A-Za-z0-9][A-Za-z0-9._:\-]*)*"


@door.serve(
    Endpoint(
        "POST",
        "/obligations",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=RegisterRequest,
        gives=ObligationSchema,
        tagged=True,
        statuses=(201, 200),
        refuses=(errors.MalformedObligation, errors.AgencyNotFound, errors.Conflict),
    )
)
def register(asked: dict[str, Any]) -> Response:
    """Register an obligation

    The agency's reference makes it one: the same statement again is answered with 200 and what stands; another
    statement under the same reference is refused. To change what is owed, amend it.
    """
    view, new = register_obligation(current_hub(), caller=current_caller(), **asked)
    location = f"/v1/agencies/{view.agency}/obligations/{view.reference}"
    return answer_versioned(view, 201 if new else 200, {"Location": location})


@door.serve(
    Endpoint(
        "GET",
        "/obligations",
        scope=Scope.OBLIGATIONS_READ,
        asks=ObligationQuery,
        gives=ObligationPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List obligations, newest first"""
    page = list_obligations(current_hub(), caller=current_caller(), **asked)
    return answer_page(page, lambda view: view.as_wire())


@door.serve(
    Endpoint(
        "GET",
        _ONE,
        scope=Scope.OBLIGATIONS_READ,
        gives=ObligationSchema,
        tagged=True,
        refuses=(errors.ObligationNotFound,),
    )
)
def show(agency: str, reference: str) -> Response:
    """Show an obligation"""
    return answer_versioned(
        show_obligation(current_hub(), caller=current_caller(), agency=agency, reference=reference)
    )


@door.serve(
    Endpoint(
        "PUT",
        _ONE,
        scope=Scope.OBLIGATIONS_WRITE,
        takes=AmendRequest,
        gives=ObligationSchema,
        tagged=True,
        versioned=True,
        refuses=(errors.MalformedObligation, *_CHANGE),
    )
)
def amend(asked: dict[str, Any], agency: str, reference: str) -> Response:
    """Amend an obligation

    States it anew as a whole and makes a new version. An open payment order for the old version is cancelled.
    """
    view = amend_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=wanted_version(),
        **asked,
    )
    return answer_versioned(view)


@door.serve(
    Endpoint(
        "POST",
        f"{_ONE}/withdraw",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=ReasonSchema,
        gives=ObligationSchema,
        tagged=True,
        versioned=True,
        refuses=_CHANGE,
    )
)
def withdraw(asked: dict[str, Any], agency: str, reference: str) -> Response:
    """Withdraw an obligation

    It is no longer owed; its open payment order is cancelled with the same reason.
    """
    view = withdraw_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=wanted_version(),
        **asked,
    )
    return answer_versioned(view)


@door.serve(
    Endpoint(
        "POST",
        f"{_ONE}/restore",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=ReasonSchema,
        gives=ObligationSchema,
        tagged=True,
        versioned=True,
        refuses=_CHANGE,
    )
)
def restore(asked: dict[str, Any], agency: str, reference: str) -> Response:
    """Restore a withdrawn obligation

    It is owed again under the same reference, as a new version.
    """
    view = restore_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=wanted_version(),
        **asked,
    )
    return answer_versioned(view)
