"""Payment orders, the attempts at paying them, the banks between which a payer chooses, and receipts."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.orders import OrderStatus, OrderView
from payment_hub.domain.paging import Page
from payment_hub.domain.payments import AttemptsView, AttemptView
from payment_hub.domain.receipts import ReceiptView
from payment_hub.domain.routing import OptionsView
from payment_hub.operations.orders import cancel_order, issue_payment_order, list_orders, show_order
from payment_hub.operations.payments.start import list_attempts, start_payment
from payment_hub.operations.receipts import show_receipt
from payment_hub.operations.routing import show_payment_options
from payment_hub.web.api.answers import (
    answer,
    answer_text,
    answer_versioned,
    if_match_version,
)
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    AGENCY_REFERENCE,
    BANK_NAME,
    AddressField,
    MomentField,
    PageQuery,
    ReasonSchema,
    Strict,
    TextField,
    UrlField,
    WholeNumber,
)
from payment_hub.web.api.idempotency import current_claim, with_claim_headers
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource

MOST_MINUTES = 90 * 24 * 60


class IssueRequest(Strict):
    """Which obligation is to be payable, and until when."""

    agency = TextField(35, pattern=AGENCY_CODE, required=True, metadata={"example": "000.00.00.H41"})
    obligation = TextField(64, pattern=AGENCY_REFERENCE, required=True, metadata={"example": "XP/2026/0042"})
    minutes = WholeNumber(
        5,
        MOST_MINUTES,
        load_default=None,
        allow_none=True,
        metadata={"description": "How long it can be paid"},
    )
    return_url = UrlField(
        load_default=None,
        allow_none=True,
        metadata={"description": "Where the payer goes afterwards; proves nothing"},
    )


class StartRequest(Strict):
    """Through which bank the payer wants to pay."""

    bank = TextField(
        31,
        pattern=BANK_NAME,
        metadata={"example": "sandbox", "description": "Without it one is chosen"},
    )
    language = fields.String(load_default="vi", validate=validate.OneOf(["vi", "en"]))
    payer_ip = AddressField(
        load_default=None,
        allow_none=True,
        metadata={"description": "The payer's address, which some banks ask for"},
    )
    return_url = UrlField(load_default=None, allow_none=True)


class OrderQuery(PageQuery):
    """Which payment orders are wanted."""

    status = fields.String(validate=validate.OneOf([str(status) for status in OrderStatus]))
    agency = TextField(35, pattern=AGENCY_CODE)
    obligation = TextField(64, pattern=AGENCY_REFERENCE)
    issued_from = MomentField()
    issued_to = MomentField()


blueprint: Final = Resource(
    "payment-orders", __name__, description="The promise that an obligation can be paid until a deadline."
)

_ONE: Final = "/payment-orders/<reference>"
_UNKNOWN: Final = (errors.MalformedReference, errors.OrderNotFound)


@blueprint.serve(
    Endpoint(
        "POST",
        "/payment-orders",
        scope=Scope.ORDERS_WRITE,
        takes=IssueRequest,
        gives=OrderView,
        statuses=(201,),
        refuses=(errors.ObligationNotFound, errors.ObligationClosed, errors.OpenOrderExists),
        stores_answer=True,
    )
)
def issue(body: dict[str, Any]) -> Response:
    """Issue a payment order

    An obligation has at most one open order. An order of zero is paid, with a receipt, in the same moment.
    """
    answered = issue_payment_order(
        current_hub(),
        caller=current_caller(),
        agency=body["agency"],
        obligation_reference=body["obligation"],
        minutes=body["minutes"],
        return_url=body["return_url"],
        claim=current_claim(),
    )
    return with_claim_headers(answer_text(answered.body, answered.status), replayed=answered.replayed)


@blueprint.serve(
    Endpoint(
        "GET",
        "/payment-orders",
        scope=Scope.ORDERS_READ,
        query=OrderQuery,
        gives=Page[OrderView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List payment orders, newest first"""
    page = list_orders(current_hub(), caller=current_caller(), **query)
    return answer(page)


@blueprint.serve(
    Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=OrderView, tagged=True, refuses=_UNKNOWN)
)
def show(reference: str) -> Response:
    """Show a payment order

    The reference may be written as a person writes it: lower case, with spaces or dashes, O for 0, I or L for 1.
    """
    return answer_versioned(show_order(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/cancel",
        scope=Scope.ORDERS_WRITE,
        takes=ReasonSchema,
        gives=OrderView,
        tagged=True,
        versioned=True,
        refuses=(*_UNKNOWN, errors.OrderClosed),
    )
)
def cancel(body: dict[str, Any], reference: str) -> Response:
    """Cancel a payment order

    Money that still comes for it is kept and marked late.
    """
    view = cancel_order(
        current_hub(), caller=current_caller(), reference=reference, version=if_match_version(), **body
    )
    return answer_versioned(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/attempts",
        scope=Scope.ORDERS_WRITE,
        takes=StartRequest,
        gives=AttemptView,
        statuses=(201,),
        refuses=(
            *_UNKNOWN,
            errors.BankNotFound,
            errors.OrderClosed,
            errors.PaymentUnderWay,
            errors.BankNotOffered,
            errors.BankUnavailable,
            errors.CircuitOpen,
        ),
    )
)
def start(body: dict[str, Any], reference: str) -> Response:
    """Start paying through a bank

    Without a bank one is chosen, as the payment options say. The same bank again gives the same instructions. While
    a bank has not said what became of an earlier try, no other is started: the payer must not pay twice.
    """
    hub = current_hub()
    order = show_order(hub, caller=current_caller(), reference=reference)
    view = start_payment(
        hub,
        reference=order.reference,
        bank=body.get("bank"),
        payer_ip=body["payer_ip"] or request.remote_addr or "",
        language=body["language"],
        return_url=body["return_url"] or order.return_url,
    )
    return answer(view, 201)


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/payment-options", scope=Scope.ORDERS_READ, gives=OptionsView, refuses=_UNKNOWN)
)
def payment_options(reference: str) -> Response:
    """List every bank for an order, offered or not and why

    With its fee, who bears it, when it hands the money over and how it is paid; and the bank that is chosen if none is
    named.
    """
    return answer(show_payment_options(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/attempts", scope=Scope.ORDERS_READ, gives=AttemptsView, refuses=_UNKNOWN)
)
def attempts(reference: str) -> Response:
    """List the tries at paying an order, the latest first"""
    views = list_attempts(current_hub(), caller=current_caller(), reference=reference)
    return answer(AttemptsView(tuple(views)))


@blueprint.serve(
    Endpoint(
        "GET",
        f"{_ONE}/receipt",
        scope=Scope.ORDERS_READ,
        gives=ReceiptView,
        refuses=(*_UNKNOWN, errors.ReceiptNotFound),
    )
)
def receipt(reference: str) -> Response:
    """Show the receipt of a settled order"""
    return answer(show_receipt(current_hub(), caller=current_caller(), reference=reference))
