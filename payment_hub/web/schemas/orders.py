"""Shapes of payment orders, attempts and receipts."""

from __future__ import annotations

from marshmallow import fields, validate

from payment_hub.domain.obligation import Kind
from payment_hub.domain.payment_attempt import AttemptState
from payment_hub.domain.payment_order import OrderFlag, OrderStatus
from payment_hub.domain.refund import Reason, RefundState
from payment_hub.web.schemas.fields import (
    AGENCY_CODE,
    AGENCY_REFERENCE,
    BANK_NAME,
    AddressField,
    MomentField,
    Shown,
    Strict,
    TextField,
    UrlField,
    WholeNumber,
)
from payment_hub.web.schemas.parts import MoneySchema, PageQuery, moment, page_of, words

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


class RefundToldSchema(Shown):
    """The refund that an event tells of."""

    refund_id = fields.String(required=True)
    reference = fields.String(required=True, metadata={"description": "What the bank knows it by"})
    state = words(RefundState, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    reason = words(Reason, required=True)


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
        RefundToldSchema, metadata={"description": "In events alone, and there only if they tell of a refund"}
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
    known_by = fields.String(
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
