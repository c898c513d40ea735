"""The officers' door to outcomes that nobody knows."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.keys import Scope
from payment_hub.operations.end_unknown_outcome import end_unknown_outcome
from payment_hub.operations.list_unknown_outcomes import list_unknown_outcomes
from payment_hub.web.answers import answer_page, answer_view
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.choices import UnknownPageSchema, UnknownQuery
from payment_hub.web.schemas.orders import AttemptSchema
from payment_hub.web.schemas.parts import ReasonSchema

door: Final = Door(
    "unknown-outcomes", __name__, description="Payments of which no bank has said what became of them."
)


@door.serve(
    Endpoint(
        "GET",
        "/unknown-outcomes",
        scope=Scope.RECONCILIATION_READ,
        asks=UnknownQuery,
        gives=UnknownPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List attempts of unknown outcome, oldest first

    What is unknown beyond noon of the following day lies before an officer; the hub goes on asking. An agency sees its
    own.
    """
    overdue = asked.pop("which") == "overdue"
    page = list_unknown_outcomes(current_hub(), caller=current_caller(), overdue=overdue, **asked)
    return answer_page(page, lambda view: view.as_wire())


@door.serve(
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
    return answer_view(
        end_unknown_outcome(current_hub(), caller=current_caller(), reference=reference, **asked)
    )
