"""The door to money that goes back: who proposes it, who decides, and what proves that it went."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.keys import Scope
from payment_hub.operations.approve_refund import approve_refund
from payment_hub.operations.decline_refund import decline_refund
from payment_hub.operations.list_order_refunds import list_order_refunds
from payment_hub.operations.list_refunds import list_refunds
from payment_hub.operations.propose_refund import propose_refund
from payment_hub.operations.prove_refund import prove_refund
from payment_hub.operations.show_refund import show_refund
from payment_hub.operations.show_voucher import show_voucher
from payment_hub.web.answers import answer_page, answer_text, answer_view, as_text
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.parts import NothingSchema, ReasonSchema
from payment_hub.web.schemas.refunds import (
    REFUND_ID,
    EvidenceRequest,
    OrderRefundsSchema,
    RefundPageSchema,
    RefundQuery,
    RefundRequest,
    RefundSchema,
    VoucherSchema,
)

door: Final = Door(
    "refunds", __name__, description="Money that goes back: proposed by one, approved by another, proved."
)

_OF_ORDER: Final = "/payment-orders/<reference>/refunds"
_ONE: Final = f"{_OF_ORDER}/<refund_id>"
_NO_ORDER: Final = (errors.MalformedReference, errors.OrderNotFound)
_UNKNOWN: Final = (*_NO_ORDER, errors.RefundNotFound)


@door.serve(
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


@door.serve(Endpoint("GET", _OF_ORDER, scope=Scope.ORDERS_READ, gives=OrderRefundsSchema, refuses=_NO_ORDER))
def of_order(reference: str) -> Response:
    """List the refunds of an order, and what can still be given back of each payment"""
    return answer_view(list_order_refunds(current_hub(), caller=current_caller(), reference=reference))


@door.serve(Endpoint("GET", _ONE, scope=Scope.ORDERS_READ, gives=RefundSchema, refuses=_UNKNOWN))
def show(reference: str, refund_id: str) -> Response:
    """Show a refund with everything that happened to it"""
    view = show_refund(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer_view(view)


@door.serve(
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


@door.serve(
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


@door.serve(
    Endpoint("GET", f"{_ONE}/voucher", scope=Scope.REFUNDS_PROVE, gives=VoucherSchema, refuses=_UNKNOWN)
)
def voucher(reference: str, refund_id: str) -> Response:
    """Show the paper of a refund that goes by no bank's message

    The Treasury's refund voucher, or a transfer order, with the data as they were approved.
    """
    paper = show_voucher(current_hub(), caller=current_caller(), reference=reference, refund_id=refund_id)
    return answer_text(as_text(dict(paper)))


@door.serve(
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


@door.serve(
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
