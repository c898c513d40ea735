"""Shapes of the banks between which a payer chooses, and of payments of which no bank has told the outcome.

Shapes of payment orders, attempts and receipts.

The portal's door: payment orders, the tries at paying them, their receipts.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request
from marshmallow import fields, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.banks.profile import Bearer, PaymentMethod
from payment_hub.domain.obligations import Kind
from payment_hub.domain.orders import OrderFlag, OrderStatus
from payment_hub.domain.payments import AttemptState
from payment_hub.domain.refunds.lifecycle import RefundReason, RefundState
from payment_hub.domain.routing import OptionReason, Rule
from payment_hub.operations.orders import cancel_order, issue_payment_order, list_orders, show_order
from payment_hub.operations.payments.start import list_attempts, start_payment
from payment_hub.operations.receipts import show_receipt
from payment_hub.operations.routing import show_payment_options
from payment_hub.web.api.answers import (
    answer_page,
    answer_text,
    answer_versioned,
    answer_view,
    as_text,
    wanted_version,
)
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    AGENCY_REFERENCE,
    BANK_NAME,
    AddressField,
    MomentField,
    MoneySchema,
    PageQuery,
    ReasonSchema,
    Shown,
    Strict,
    TextField,
    UrlField,
    WholeNumber,
    moment,
    page_of,
    words,
)
from payment_hub.web.api.idempotency import current_claim, tell_claim
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource


class SentenceSchema(Shown):
    """One thing said in both languages."""

    vi = fields.String(required=True)
    en = fields.String(required=True)


class OptionSchema(Shown):
    """One bank, offered or not."""

    bank = fields.String(required=True)
    offered = fields.Boolean(required=True)
    reason = words(OptionReason, required=True, allow_none=True)
    until = moment(required=True, allow_none=True)
    why = fields.Nested(SentenceSchema, required=True, allow_none=True)
    fee = fields.Nested(MoneySchema, required=True)
    fee_borne_by = words(Bearer, required=True)
    settles_on = fields.String(
        required=True,
        metadata={"format": "date", "description": "When the money is handed over if it is paid now"},
    )
    methods = fields.List(words(PaymentMethod), required=True)


class OptionsSchema(Shown):
    """Every enabled bank for one order at one moment, and the one that is chosen if none is named."""

    order = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    as_of = moment(required=True)
    chosen = fields.String(required=True, allow_none=True)
    rule = words(Rule, required=True)
    why = fields.Nested(SentenceSchema, required=True)
    items = fields.List(fields.Nested(OptionSchema), required=True)


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


class OrderedObligationSchema(Shown):
    """The obligation that an order is for, in the version that the order was issued for."""

    reference = fields.String(required=True)
    version = fields.Integer(required=True)
    kind = words(Kind, required=True)


class RefundEventSchema(Shown):
    """The refund that an event tells of."""

    refund_id = fields.String(required=True)
    reference = fields.String(required=True, metadata={"description": "What the bank knows it by"})
    state = words(RefundState, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    reason = words(RefundReason, required=True)


class OrderSchema(Shown):
    """A payment order. ``received`` counts all money that came, whatever became of it."""

    reference = fields.String(required=True, metadata={"example": "DV0M3A7K2P9XQ4TZ"})
    version = fields.Integer(required=True)
    agency = fields.String(required=True)
    obligation = fields.Nested(OrderedObligationSchema, required=True)
    status = words(OrderStatus, required=True)
    flags = fields.List(words(OrderFlag), required=True)
    finished = fields.Boolean(required=True, metadata={"description": "Nothing more is expected"})
    required = fields.Nested(MoneySchema, required=True)
    received = fields.Nested(MoneySchema, required=True)
    refunded = fields.Nested(MoneySchema, required=True)
    refundable = fields.Nested(
        MoneySchema,
        required=True,
        metadata={"description": "Received, and neither given back nor on its way back"},
    )
    description = fields.String(required=True)
    issued_at = moment(required=True)
    expires_at = moment(required=True)
    cancelled_at = moment(required=True, allow_none=True)
    cancel_reason = fields.String(required=True, allow_none=True)
    expired_at = moment(required=True, allow_none=True)
    checkout_url = fields.String(required=True, metadata={"description": "The citizen's page"})
    return_url = fields.String(required=True, allow_none=True)
    receipt = fields.String(
        required=True, allow_none=True, metadata={"description": "The receipt's printed number"}
    )
    refund = fields.Nested(
        RefundEventSchema,
        metadata={"description": "In events alone, and there only if they tell of a refund"},
    )


class InstructionsSchema(Shown):
    """How the payer pays: a QR text, a page, an app, a bill code, and the transfer in words."""

    qr_text = fields.String(required=True, allow_none=True)
    page_url = fields.String(required=True, allow_none=True)
    account_number = fields.String(required=True, allow_none=True)
    account_name = fields.String(required=True, allow_none=True)
    account_bank = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    app_link = fields.String(required=True, allow_none=True)
    bill_code = fields.String(required=True, allow_none=True)


class AttemptSchema(Shown):
    """One try at paying an order through one bank."""

    reference = fields.String(required=True)
    order = fields.String(required=True)
    bank = fields.String(required=True)
    state = words(AttemptState, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    instructions = fields.Nested(InstructionsSchema, required=True)
    started_at = moment(required=True)
    expected_by = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "date-time",
            "description": "While the outcome is unknown: when it will be known",
        },
    )


class AttemptsSchema(Shown):
    """Every try at paying one order, oldest first."""

    items = fields.List(fields.Nested(AttemptSchema), required=True)


class ReceiptAgencySchema(Shown):
    """The agency that a receipt is from."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    tax_code = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)


class ReceiptSchema(Shown):
    """A receipt."""

    number = fields.String(required=True)
    template = fields.String(required=True)
    series = fields.String(required=True)
    year = fields.Integer(required=True)
    serial = fields.Integer(required=True)
    order = fields.String(required=True)
    agency = fields.Nested(ReceiptAgencySchema, required=True)
    payer_name = fields.String(required=True)
    kind = words(Kind, required=True)
    identifiers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    description = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    amount_in_words = fields.String(required=True)
    bank = fields.String(required=True, allow_none=True)
    bank_transaction_id = fields.String(required=True, allow_none=True)
    paid_at = moment(required=True, allow_none=True)
    issued_at = moment(required=True)
    treasury_chapter = fields.String(required=True, allow_none=True)
    treasury_sub_item = fields.String(required=True, allow_none=True)


OrderPageSchema = page_of(OrderSchema)


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


@blueprint.serve(
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


@blueprint.serve(
    Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=OrderSchema, tagged=True, refuses=_UNKNOWN)
)
def show(reference: str) -> Response:
    """Show a payment order

    The reference may be written as a person writes it: lower case, with spaces or dashes, O for 0, I or L for 1.
    """
    return answer_versioned(show_order(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(
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
    view = cancel_order(
        current_hub(), caller=current_caller(), reference=reference, version=wanted_version(), **asked
    )
    return answer_versioned(view)


@blueprint.serve(
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
            errors.CircuitOpen,
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


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/payment-options", scope=Scope.ORDERS_READ, gives=OptionsSchema, refuses=_UNKNOWN)
)
def payment_options(reference: str) -> Response:
    """List every bank for an order, offered or not and why

    With its fee, who bears it, when it hands the money over and how it is paid; and the bank that is chosen if none is
    named.
    """
    return answer_view(show_payment_options(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/attempts", scope=Scope.ORDERS_READ, gives=AttemptsSchema, refuses=_UNKNOWN)
)
def attempts(reference: str) -> Response:
    """List the tries at paying an order, the latest first"""
    views = list_attempts(current_hub(), caller=current_caller(), reference=reference)
    return answer_text(as_text({"items": [view.as_wire() for view in views]}))


@blueprint.serve(
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
