"""Discrepancies: look at them, and resolve them with two pairs of eyes."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.paging import Page
from payment_hub.web.api.answers import answer, answer_versioned, if_match_version
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import NothingSchema, ReasonSchema
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource
from reconciliation.current import current_books
from reconciliation.domain.discrepancies import Decision, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.operations.discrepancies import list_discrepancies, show_discrepancy
from reconciliation.operations.resolutions import approve_resolution, decline_resolution, propose_resolution
from reconciliation.web.schemas import (
    DiscrepancyQuery,
    ProposalRequest,
)

blueprint: Final = Resource(
    "discrepancies", __name__, description="What does not agree, in plain words, and what officers decided."
)

_ALL: Final = "/reconciliation/discrepancies"
_ONE: Final = f"{_ALL}/<int(min=1, max=999999999999999):number>"
_REFUSES: Final = (errors.DiscrepancyNotFound, errors.AlreadyResolved, errors.IllegalTransition)


@blueprint.serve(
    Endpoint(
        "GET",
        _ALL,
        scope=Scope.RECONCILIATION_READ,
        query=DiscrepancyQuery,
        gives=Page[DiscrepancyView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List discrepancies, newest first

    An agency sees those that concern its own orders and its own ledger.
    """
    kind, state = query.pop("kind", None), query.pop("state", None)
    page = list_discrepancies(
        current_books(),
        caller=current_caller(),
        kind=kind and DiscrepancyKind(kind),
        state=state and DiscrepancyState(state),
        **query,
    )
    return answer(page)


@blueprint.serve(
    Endpoint(
        "GET",
        _ONE,
        scope=Scope.RECONCILIATION_READ,
        gives=DiscrepancyView,
        tagged=True,
        refuses=(errors.DiscrepancyNotFound,),
    )
)
def show(number: int) -> Response:
    """Show a discrepancy with everything that happened to it"""
    return answer_versioned(show_discrepancy(current_books(), caller=current_caller(), number=number))


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/propose",
        scope=Scope.DISCREPANCIES_PROPOSE,
        takes=ProposalRequest,
        gives=DiscrepancyView,
        versioned=True,
        tagged=True,
        refuses=_REFUSES,
    )
)
def propose(body: dict[str, Any], number: int) -> Response:
    """Propose a resolution

    Another person must approve it.
    """
    view = propose_resolution(
        current_books(),
        caller=current_caller(),
        number=number,
        decision=Decision(body["decision"]),
        reason=body["reason"],
        version=if_match_version(),
    )
    return answer_versioned(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/approve",
        scope=Scope.DISCREPANCIES_APPROVE,
        takes=NothingSchema,
        gives=DiscrepancyView,
        versioned=True,
        tagged=True,
        refuses=(*_REFUSES, errors.SamePerson),
    )
)
def approve(_: dict[str, Any], number: int) -> Response:
    """Approve what another person has proposed"""
    version = if_match_version()
    return answer_versioned(
        approve_resolution(current_books(), caller=current_caller(), number=number, version=version)
    )


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/decline",
        scope=Scope.DISCREPANCIES_APPROVE,
        takes=ReasonSchema,
        gives=DiscrepancyView,
        versioned=True,
        tagged=True,
        refuses=_REFUSES,
    )
)
def decline(body: dict[str, Any], number: int) -> Response:
    """Decline what was proposed; the discrepancy is open again"""
    version = if_match_version()
    return answer_versioned(
        decline_resolution(current_books(), caller=current_caller(), number=number, version=version, **body)
    )
