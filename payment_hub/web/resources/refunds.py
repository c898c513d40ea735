"""Refunds: who proposes one, who decides it, and what proves that the money has gone back."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response
from marshmallow import fields, post_load, validate

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.paging import Page
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason, RefundState, Route
from payment_hub.domain.refunds.views import OrderRefundsView, RefundView
from payment_hub.domain.refunds.vouchers import Voucher
from payment_hub.operations.refunds.decide import approve_refund, decline_refund, propose_refund
from payment_hub.operations.refunds.read import list_order_refunds, list_refunds, show_refund, show_voucher
from payment_hub.operations.refunds.send import prove_refund
from payment_hub.web.api.answers import answer, answer_text, as_text
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    BANK_NAME,
    DayField,
    MoneyField,
    NothingSchema,
    PageQuery,
    ReasonSchema,
    Strict,
    TextField,
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
    def _in_domain_types(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
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
    def _in_domain_types(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        return given | {"event": RefundEvent(given["event"]), "note": given["note"] or ""}


class RefundQuery(PageQuery):
    """Which refunds are wanted."""

    state = fields.String(validate=validate.OneOf([str(state) for state in RefundState]))
    route = fields.String(validate=validate.OneOf([str(route) for route in Route]))
    agency = TextField(35, pattern=AGENCY_CODE)
    which = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "overdue"]),
        metadata={"description": "`overdue`: only those that were escalated to officers"},
    )

    @post_load
    def _in_domain_types(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        types = {"state": RefundState, "route": Route}
        query = {name: types[name](value) if name in types else value for name, value in given.items()}
        return query | {"overdue": query.pop("which") == "overdue"}


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
        gives=RefundView,
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
def propose(body: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Propose a refund

    You choose its id: the same request again is the same refund, another one under the same id is refused. The sum is
    reserved at once. Another person must approve it.
    """
    if not re.fullmatch(REFUND_ID, refund_id, re.ASCII):
        raise errors.Malformed("the refund's id", pointers={"refund_id": f"Must match {REFUND_ID}"})
    view = propose_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **body
    )
    return answer(view)


@blueprint.serve(
    Endpoint("GET", _OF_ORDER, scope=Scope.ORDERS_READ, gives=OrderRefundsView, refuses=_NO_ORDER)
)
def of_order(reference: str) -> Response:
    """List the refunds of an order, and what can still be refunded of each payment"""
    return answer(list_order_refunds(current_hub(), caller=current_caller(), reference=reference))


@blueprint.serve(Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=RefundView, refuses=_UNKNOWN))
def show(reference: str, refund_id: str) -> Response:
    """Show a refund with everything that happened to it"""
    view = show_refund(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/approve",
        scope=Scope.REFUNDS_APPROVE,
        takes=NothingSchema,
        gives=RefundView,
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
    return answer(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/decline",
        scope=Scope.REFUNDS_APPROVE,
        takes=ReasonSchema,
        gives=RefundView,
        refuses=(*_UNKNOWN, errors.IllegalTransition),
    )
)
def decline(body: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Decline what was proposed; its sum is free again"""
    view = decline_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **body
    )
    return answer(view)


@blueprint.serve(
    Endpoint("GET", f"{_ONE}/voucher", scope=Scope.REFUNDS_PROVE, gives=Voucher, refuses=_UNKNOWN)
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
        gives=RefundView,
        refuses=(*_UNKNOWN, errors.SamePerson, errors.IllegalTransition),
    )
)
def prove(body: dict[str, Any], reference: str, refund_id: str) -> Response:
    """Say what a document shows of a refund

    A paper was handed in, the money has gone back, or it has failed. This also ends a refund through a bank that does
    not tell what became of it, or that was never queried. Who approved a refund does not say how it ended.
    """
    view = prove_refund(
        current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id, **body
    )
    return answer(view)


@blueprint.serve(
    Endpoint(
        "GET",
        "/refunds",
        scope=Scope.ORDERS_READ,
        query=RefundQuery,
        gives=Page[RefundView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List refunds, newest first

    `state=PROPOSED` waits for an officer's decision, `state=APPROVED&route=TREASURY` for a voucher to be handed in, and
    `which=overdue` for an officer to find out what became of it.
    """
    page = list_refunds(current_hub(), caller=current_caller(), **query)
    return answer(page)
