"""The portal's door: payment orders, the tries at paying them, their receipts."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.keys import Scope
from payment_hub.operations.issue_payment_order import issue_payment_order
from payment_hub.operations.list_attempts import list_attempts
from payment_hub.operations.list_orders import list_orders
from payment_hub.operations.show_order import show_order
from payment_hub.operations.show_payment_options import show_payment_options
from payment_hub.operations.show_receipt import show_receipt
from payment_hub.operations.start_payment import start_payment
from payment_hub.operations.withdraw_order import withdraw_order
from payment_hub.web.answers import (
    answer_page,
    answer_text,
    answer_versioned,
    answer_view,
    as_text,
    wanted_version,
)
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.idempotency import current_claim, tell_claim
from payment_hub.web.schemas.choices import OptionsSchema
from payment_hub.web.schemas.orders import (
    AttemptSchema,
    AttemptsSchema,
    IssueRequest,
    OrderPageSchema,
    OrderQuery,
    OrderSchema,
    ReceiptSchema,
    StartRequest,
)
from payment_hub.web.schemas.parts import ReasonSchema

door: Final = Door(
    "payment-orders", __name__, description="The promise that an obligation can be paid until a deadline."
)

_ONE: Final = "/payment-orders/<reference>"
_UNKNOWN: Final = (errors.MalformedReference, errors.OrderNotFound)


@door.serve(
    Endpoint(
        "POST",
        "/payment-orders",
        scope=Scope.ORDERS_WRITE,
        takes=IssueRequest,
        gives=OrderSchema,
        statuses=(201,),
        refuses=(errors.ObligationNotFound, errors.ObligationClosed, errors.OpenOrderExists),
        stores_answer=True,
    )
)
def issue(asked: dict[str, Any]) -> Response:
    """Issue a payment order

    An obligation has at most one open order. An order of zero is paid, with a receipt, in the same moment.
    """
    answered = issue_payment_order(
        current_hub(),
        caller=current_caller(),
        agency=asked["agency"],
        obligation_reference=asked["obligation"],
        minutes=asked["minutes"],
        return_url=asked["return_url"],
        claim=current_claim(),
    )
    return tell_claim(answer_text(answered.body, answered.status), replayed=answered.replayed)


@door.serve(
    Endpoint(
        "GET",
        "/payment-orders",
        scope=Scope.ORDERS_READ,
        asks=OrderQuery,
        gives=OrderPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List payment orders, newest first"""
    page = list_orders(current_hub(), caller=current_caller(), **asked)
    return answer_page(page, lambda view: view.as_wire())


@door.serve(Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=OrderSchema, tagged=True, refuses=_UNKNOWN))
def show(reference: str) -> Response:
    """Show a payment order

    The reference may be written as a person writes it: lower case, with spaces or dashes, O for 0, I or L for 1.
    """
    return answer_versioned(show_order(current_hub(), caller=current_caller(), reference=reference))


@door.serve(
    Endpoint(
        "POST",
        f"{_ONE}/withdraw",
        scope=Scope.ORDERS_WRITE,
        takes=ReasonSchema,
        gives=OrderSchema,
        tagged=True,
        versioned=True,
        refuses=(*_UNKNOWN, errors.OrderClosed),
    )
)
def withdraw(asked: dict[str, Any], reference: str) -> Response:
    """Withdraw a payment order

    Money that still comes for it is kept and marked late.
    """
    view = withdraw_order(
        current_hub(), caller=current_caller(), reference=reference, version=wanted_version(), **asked
    )
    return answer_versioned(view)


@door.serve(
    Endpoint(
        "POST",
        f"{_ONE}/attempts",
        scope=Scope.ORDERS_WRITE,
        takes=StartRequest,
        gives=AttemptSchema,
        statuses=(201,),
        refuses=(
            *_UNKNOWN,
            errors.BankNotFound,
            errors.OrderClosed,
            errors.PaymentUnderWay,
            errors.BankNotOffered,
            errors.BankUnavailable,
            errors.BankResting,
        ),
    )
)
def start(asked: dict[str, Any], reference: str) -> Response:
    """Start paying through a bank

    Without a bank one is chosen, as the payment options say. The same bank again gives the same instructions. While
    a bank has not said what became of an earlier try, no other is started: the payer must not pay twice.
    """
    hub = current_hub()
    order = show_order(hub, caller=current_caller(), reference=reference)
    view = start_payment(
        hub,
        reference=order.reference,
        bank=asked.get("bank"),
        payer_ip=asked["payer_ip"] or request.remote_addr or "",
        language=asked["language"],
        return_url=asked["return_url"] or order.return_url,
    )
    return answer_view(view, 201)


@door.serve(
    Endpoint("GET", f"{_ONE}/payment-options", scope=Scope.ORDERS_READ, gives=OptionsSchema, refuses=_UNKNOWN)
)
def payment_options(reference: str) -> Response:
    """List every bank for an order, offered or not and why

    With its fee, who bears it, when it hands the money over and how it is paid; and the bank that is chosen if none is
    named.
    """
    return answer_view(show_payment_options(current_hub(), caller=current_caller(), reference=reference))


@door.serve(
    Endpoint("GET", f"{_ONE}/attempts", scope=Scope.ORDERS_READ, gives=AttemptsSchema, refuses=_UNKNOWN)
)
def attempts(reference: str) -> Response:
    """List the tries at paying an order, the latest first"""
    views = list_attempts(current_hub(), caller=current_caller(), reference=reference)
    return answer_text(as_text({"items": [view.as_wire() for view in views]}))


@door.serve(
    Endpoint(
        "GET",
        f"{_ONE}/receipt",
        scope=Scope.ORDERS_READ,
        gives=ReceiptSchema,
        refuses=(*_UNKNOWN, errors.ReceiptNotFound),
    )
)
def receipt(reference: str) -> Response:
    """Show the receipt of a settled order"""
    return answer_view(show_receipt(current_hub(), caller=current_caller(), reference=reference))
