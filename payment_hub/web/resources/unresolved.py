"""Shapes of the banks between which a payer chooses, and of payments of which no bank has told the outcome.

The officers' door to outcomes that nobody knows.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.payments import AttemptState, Awaiting
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.web.api.answers import answer_page, answer_view
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import MoneySchema, PageQuery, ReasonSchema, Shown, moment, page_of, words
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource
from payment_hub.web.resources.orders import AttemptSchema


class UnresolvedQuery(PageQuery):
    """Which part of the list is wanted."""

    which = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "overdue"]),
        metadata={"description": "`overdue`: only those that lie before an officer"},
    )


class UnresolvedSchema(Shown):
    """One attempt whose outcome is unknown, or that its bank calls paid without proof."""

    reference = fields.String(required=True)
    order = fields.String(required=True)
    agency = fields.String(required=True)
    bank = fields.String(required=True)
    state = words(AttemptState, required=True)
    awaiting = words(Awaiting, required=True, allow_none=True)
    amount = fields.Nested(MoneySchema, required=True)
    queries = fields.Integer(required=True, metadata={"description": "How often the bank was asked"})
    unknown_at = moment(required=True)
    expected_by = moment(required=True, allow_none=True)
    escalated_at = moment(required=True, allow_none=True)


UnresolvedPageSchema = page_of(UnresolvedSchema)


blueprint: Final = Resource(
    "unknown-outcomes", __name__, description="Payments of which no bank has said what became of them."
)


@blueprint.serve(
    Endpoint(
        "GET",
        "/unknown-outcomes",
        scope=Scope.RECONCILIATION_READ,
        asks=UnresolvedQuery,
        gives=UnresolvedPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List attempts of unknown outcome, oldest first

    What is unknown beyond noon of the following day lies before an officer; the hub goes on asking. An agency sees its
    own.
    """
    overdue = asked.pop("which") == "overdue"
    page = list_unresolved(current_hub(), caller=current_caller(), overdue=overdue, **asked)
    return answer_page(page, lambda view: view.as_wire())


@blueprint.serve(
    Endpoint(
        "POST",
        "/unknown-outcomes/<reference>/end",
        scope=Scope.DISCREPANCIES_APPROVE,
        takes=ReasonSchema,
        gives=AttemptSchema,
        refuses=(errors.MalformedReference, errors.OrderNotFound, errors.IllegalTransition),
    )
)
def end(asked: dict[str, Any], reference: str) -> Response:
    """Say, with evidence, that an attempt has taken no money

    Only of one that lies before an officer; the bank is asked once more first. The payer can then pay again. Should the
    bank prove the payment after all, its money counts.
    """
    return answer_view(resolve_attempt(current_hub(), caller=current_caller(), reference=reference, **asked))
