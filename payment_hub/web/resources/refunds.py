"""Shapes of refunds.

The door to money that goes back: who proposes it, who decides, and what proves that it went.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response
from marshmallow import fields, post_load, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason, RefundState, Route
from payment_hub.operations.refunds.decide import approve_refund, decline_refund, propose_refund
from payment_hub.operations.refunds.read import list_order_refunds, list_refunds, show_refund, show_voucher
from payment_hub.operations.refunds.send import prove_refund
from payment_hub.web.api.answers import answer_page, answer_text, answer_view, as_text
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    BANK_NAME,
    DayField,
    MoneyField,
    MoneySchema,
    NothingSchema,
    PageQuery,
    ReasonSchema,
    Shown,
    Strict,
    TextField,
    moment,
    page_of,
    words,
)
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource

#: The proposer's own name of a refund. The hub's own proposals have a colon in theirs, so that nobody can take one.
REFUND_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$"

_PROVABLE: Final = ("HANDED_IN", "RETURNED", "FAILED")


class CollectionRequest(Strict):
    """The bank transaction whose money goes back."""

    bank = TextField(31, pattern=BANK_NAME, required=True)
    bank_transaction_id = TextField(100, required=True)


class PayeeRequest(Strict):
    """The account that the money is to go to, when no bank's message can carry it to where it came from."""

    number = TextField(34, pattern=r"^[0-9A-Za-z]{4,34}$", required=True)
    bank = TextField(64, load_default=None, allow_none=True, metadata={"description": "BIN or name"})
    name = TextField(140, load_default=None, allow_none=True)


class RefundRequest(Strict):
    """What is to go back, and what was seen before it was decided."""

    refundable = MoneyField(
        required=True,
        metadata={"description": "The order's refundable balance as you saw it; 412 when it is not so"},
    )
    amount = MoneyField(least=1, required=True)
    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in RefundReason]))
    note = TextField(500, required=True, metadata={"example": "Hồ sơ bị từ chối"})
    collection = fields.Nested(
        CollectionRequest,
        load_default=None,
        allow_none=True,
        metadata={"description": "Otherwise the latest payment with enough left"},
    )
    payee = fields.Nested(PayeeRequest, load_default=None, allow_none=True)

    @post_load
    def _in_words_of_the_domain(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        of = given["collection"]
        collection = of and (of["bank"], of["bank_transaction_id"])
        return given | {"reason": RefundReason(given["reason"]), "collection": collection}


class EvidenceRequest(Strict):
    """What a document shows of a refund."""

    event = fields.String(required=True, validate=validate.OneOf(_PROVABLE))
    document = TextField(200, required=True, metadata={"example": "C1-04/NS so 17"})
    dated_on = DayField(required=True)
    note = TextField(500, load_default=None, allow_none=True)

    @post_load
    def _in_words_of_the_domain(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        return given | {"event": RefundEvent(given["event"]), "note": given["note"] or ""}


class RefundQuery(PageQuery):
    """Which refunds are wanted."""

    state = fields.String(validate=validate.OneOf([str(state) for state in RefundState]))
    route = fields.String(validate=validate.OneOf([str(route) for route in Route]))
    agency = TextField(35, pattern=AGENCY_CODE)
    which = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "overdue"]),
        metadata={"description": "`overdue`: only those that lie before an officer"},
    )

    @post_load
    def _in_words_of_the_domain(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        known = {"state": RefundState, "route": Route}
        asked = {name: known[name](value) if name in known else value for name, value in given.items()}
        return asked | {"overdue": asked.pop("which") == "overdue"}


class RefundHistorySchema(Shown):
    """One thing that happened to a refund."""

    event = words(RefundEvent, required=True)
    state = words(RefundState, required=True)
    actor = fields.String(required=True, allow_none=True)
    code = fields.String(required=True, metadata={"description": "The bank's own code word"})
    note = fields.String(required=True)
    evidence = fields.Dict(required=True, allow_none=True)
    at = moment(required=True)


class RefundCollectionSchema(Shown):
    """The bank transaction whose money goes back."""

    bank = fields.String(required=True)
    bank_transaction_id = fields.String(required=True)


class PayeeSchema(Shown):
    """The account that the money goes to by transfer."""

    number = fields.String(required=True)
    bank = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    stated_by = fields.String(
        allow_none=True,
        metadata={"description": "Who named it: the bank, or else compare it before you approve"},
    )


class RefundSchema(Shown):
    """Money that goes back. ``history`` is empty in lists; people and accounts are shown to those they concern."""

    reference = fields.String(required=True, metadata={"description": "What the bank knows it by"})
    refund_id = fields.String(required=True)
    order = fields.String(required=True)
    agency = fields.String(required=True)
    state = words(RefundState, required=True)
    route = words(Route, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    reason = words(RefundReason, required=True)
    note = fields.String(required=True)
    collection = fields.Nested(RefundCollectionSchema, required=True)
    bank_refund_id = fields.String(required=True, allow_none=True)
    proposed_by = fields.String(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)
    waits_for_statement = fields.Boolean(
        required=True, metadata={"description": "It is approved only when a statement shows the money"}
    )
    contradicted = fields.Boolean(
        required=True, metadata={"description": "The bank tells of it against its end; an officer must look"}
    )
    payee = fields.Nested(PayeeSchema, required=True, allow_none=True)
    proposed_at = moment(required=True)
    changed_at = moment(required=True)
    escalated_at = moment(required=True, allow_none=True)
    """Since when an officer must see to it: its bank did not answer in time."""
    history = fields.List(fields.Nested(RefundHistorySchema), required=True)


class RefundableSchema(Shown):
    """What can still be given back of one bank transaction."""

    bank = fields.String(required=True)
    bank_transaction_id = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    refundable = fields.Nested(MoneySchema, required=True)
    blocked = fields.String(
        required=True, allow_none=True, metadata={"description": "Why nothing of it can go back now"}
    )
    seen_in_statement = fields.Boolean(required=True)
    collected_at = moment(required=True)


class OrderRefundsSchema(Shown):
    """All refunds of an order, the latest first, and what can still be given back."""

    refundable = fields.Nested(MoneySchema, required=True)
    collections = fields.List(fields.Nested(RefundableSchema), required=True)
    items = fields.List(fields.Nested(RefundSchema), required=True)


class VoucherAgencySchema(Shown):
    """The agency on a voucher."""

    agency = fields.String(required=True)
    agency_name = fields.String(required=True)
    tax_code = fields.String(required=True, allow_none=True)


class VoucherObligationSchema(Shown):
    """What had been paid for."""

    reference = fields.String(required=True)
    kind = fields.String(required=True)


class VoucherTreasurySchema(Shown):
    """The Treasury account that the money went to."""

    account_number = fields.String(required=True)
    bank = fields.String(required=True)
    account_name = fields.String(required=True)
    chapter = fields.String(required=True, allow_none=True)
    sub_item = fields.String(required=True, allow_none=True)


class VoucherPaymentSchema(Shown):
    """The payment that is given back."""

    bank = fields.String(required=True)
    bank_transaction_id = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    collected_on = fields.String(required=True, metadata={"format": "date"})


class VoucherSchema(Shown):
    """The paper of a refund: the Treasury's refund voucher, or a transfer order (``form`` is TRANSFER)."""

    form = fields.String(required=True, metadata={"example": "C1-04/NS"})
    uncertain = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Fields to compare with the form in force before it is handed in"},
    )
    reference = fields.String(required=True)
    made_on = fields.String(required=True, metadata={"format": "date"})
    order = fields.String(required=True)
    receipt = fields.String(required=True, allow_none=True)
    payer_name = fields.String(required=True)
    payee = fields.Nested(PayeeSchema, required=True, allow_none=True)
    agency = fields.Nested(VoucherAgencySchema, required=True)
    obligation = fields.Nested(VoucherObligationSchema, required=True)
    identifiers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    description = fields.String(required=True)
    treasury = fields.Nested(VoucherTreasurySchema, required=True, allow_none=True)
    payment = fields.Nested(VoucherPaymentSchema, required=True)
    amount = fields.Nested(MoneySchema, required=True)
    amount_in_words = fields.String(required=True)
    reason = words(RefundReason, required=True)
    note = fields.String(required=True)
    proposed_by = fields.String(required=True)
    approved_by = fields.String(required=True)


RefundPageSchema = page_of(RefundSchema)


blueprint: Final = Resource(
    "refunds", __name__, description="Money that goes back: proposed by one, approved by another, proved."
)

_OF_ORDER: Final = "/payment-orders/<reference>/refunds"
_ONE: Final = f"{_OF_ORDER}/<refund_id>"
_NO_ORDER: Final = (errors.MalformedReference, errors.OrderNotFound)
_UNKNOWN: Final = (*_NO_ORDER, errors.RefundNotFound)


@blueprint.serve(
    Endpoint(
        "PUT",
        _ONE,
        scope=Scope.REFUNDS_PROPOSE,
        takes=RefundRequest,
        gives=RefundSchema,
        refuses=(
            *_NO_ORDER,
            errors.CollectionNotFound,
            errors.IdempotencyConflict,
            errors.RefundableChanged,
            errors.RefundExceeds,
            errors.RefundBlocked,
        ),
    )
)
def propose(asked: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Propose a refund

    You choose its id: the same request again is the same refund, another one under the same id is refused. The sum is
    reserved at once. Another person must approve it.
    """
    if not re.fullmatch(REFUND_ID, refund_id, re.ASCII):
        raise errors.Malformed("the refund's id", pointers={"refund_id": f"Must match {REFUND_ID}"})
    view = propose_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **asked
    )
    return answer_view(view)


@blueprint.serve(
    Endpoint("GET", _OF_ORDER, scope=Scope.ORDERS_READ, gives=OrderRefundsSchema, refuses=_NO_ORDER)
)
def of_order(reference: str) -> Response:
    """List the refunds of an order, and what can still be given back of each payment"""
    return answer_view(list_order_refunds(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=RefundSchema, refuses=_UNKNOWN))
def show(reference: str, refund_id: str) -> Response:
    """Show a refund with everything that happened to it"""
    view = show_refund(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer_view(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/approval",
        scope=Scope.REFUNDS_APPROVE,
        takes=NothingSchema,
        gives=RefundSchema,
        refuses=(
            *_UNKNOWN,
            errors.SamePerson,
            errors.IllegalTransition,
            errors.RefundAboveLimit,
            errors.MoneyNotSeen,
            errors.RefundBlocked,
            errors.RefundExceeds,
        ),
    )
)
def approve(_: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Approve what another person, or the hub, has proposed

    By which way the money goes is decided now: through its bank, by transfer, or by the Treasury's voucher once it is
    with the Treasury.
    """
    view = approve_refund(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer_view(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/refusal",
        scope=Scope.REFUNDS_APPROVE,
        takes=ReasonSchema,
        gives=RefundSchema,
        refuses=(*_UNKNOWN, errors.IllegalTransition),
    )
)
def decline(asked: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Decline what was proposed; its sum is free again"""
    view = decline_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **asked
    )
    return answer_view(view)


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/voucher", scope=Scope.REFUNDS_PROVE, gives=VoucherSchema, refuses=_UNKNOWN)
)
def voucher(reference: str, refund_id: str) -> Response:
    """Show the paper of a refund that goes by no bank's message

    The Treasury's refund voucher, or a transfer order, with the data as they were approved.
    """
    paper = show_voucher(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer_text(as_text(dict(paper)))


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/evidence",
        scope=Scope.REFUNDS_PROVE,
        takes=EvidenceRequest,
        gives=RefundSchema,
        refuses=(*_UNKNOWN, errors.SamePerson, errors.IllegalTransition),
    )
)
def prove(asked: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Say what a document shows of a refund

    A paper was handed in, the money has gone back, or it has failed. This also ends a refund through a bank that does
    not tell what became of it, or that was never asked. Who approved a refund does not say how it ended.
    """
    view = prove_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **asked
    )
    return answer_view(view)


@blueprint.serve(
    Endpoint(
        "GET",
        "/refunds",
        scope=Scope.ORDERS_READ,
        asks=RefundQuery,
        gives=RefundPageSchema,
        consistency=EVENTUAL,
    )
)
def list_(asked: dict[str, Any]) -> Response:
    """List refunds, newest first

    `state=PROPOSED` waits for an officer's decision, `state=APPROVED&route=TREASURY` for a voucher to be handed in, and
    `which=overdue` for an officer to find out what became of it.
    """
    page = list_refunds(current_hub(), caller=current_caller(), **asked)
    return answer_page(page, lambda view: view.as_wire())
