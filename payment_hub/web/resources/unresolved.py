"""Attempts whose outcome is unknown, for the officers who must resolve them."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.paging import Page
from payment_hub.domain.payments import AttemptView, UnresolvedView
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.web.api.answers import answer
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import PageQuery, ReasonSchema
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource


class UnresolvedQuery(PageQuery):
    """Which part of the list is wanted."""

    which = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "overdue"]),
        metadata={"description": "`overdue`: only those that were escalated to officers"},
    )


blueprint: Final = Resource(
    "unresolved-attempts", __name__, description="Payments of which no bank has said what became of them."
)


@blueprint.serve(
    Endpoint(
        "GET",
        "/unresolved-attempts",
        scope=Scope.RECONCILIATION_READ,
        query=UnresolvedQuery,
        gives=Page[UnresolvedView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List attempts of unknown outcome, oldest first

    What is unknown beyond noon of the following day is escalated to officers; the hub goes on querying. An agency sees
    its own.
    """
    overdue = query.pop("which") == "overdue"
    page = list_unresolved(current_hub(), caller=current_caller(), overdue=overdue, **query)
    return answer(page)


@blueprint.serve(
    Endpoint(
        "POST",
        "/unresolved-attempts/<reference>/resolve",
        scope=Scope.DISCREPANCIES_APPROVE,
        takes=ReasonSchema,
        gives=AttemptView,
        refuses=(errors.MalformedReference, errors.OrderNotFound, errors.IllegalTransition),
    )
)
def resolve(body: dict[str, Any], reference: str) -> Response:
    """Say, with evidence, that an attempt has taken no money

    Only of one that was escalated to officers; the bank is queried once more first. The payer can then pay again.
    Should the bank prove the payment after all, its money counts.
    """
    return answer(resolve_attempt(current_hub(), caller=current_caller(), reference=reference, **body))
