"""Obligations: what somebody owes an agency."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import ValidationError, fields, post_load, validate
from werkzeug.routing import BaseConverter

from payment_hub.current import current_hub
from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.obligations import Beneficiary, Kind, ObligationView, Terms
from payment_hub.domain.paging import Page
from payment_hub.operations.obligations import (
    amend_obligation,
    list_obligations,
    register_obligation,
    restore_obligation,
    show_obligation,
    withdraw_obligation,
)
from payment_hub.web.api.answers import answer, answer_versioned, if_match_version
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    AGENCY_REFERENCE,
    DayField,
    MoneyField,
    PageQuery,
    ReasonSchema,
    Strict,
    TextField,
)
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource

_KINDS: Final = validate.OneOf([str(kind) for kind in Kind])
_STATES: Final = ("OWED", "WITHDRAWN", "SETTLED")
_MOST_IDENTIFIERS: Final = 20


def _few(identifiers: dict[str, str]) -> None:
    """At most twenty identifiers."""
    if len(identifiers) > _MOST_IDENTIFIERS:
        raise ValidationError(f"At most {_MOST_IDENTIFIERS}.")


class BeneficiaryRequest(Strict):
    """The account that the money is for."""

    account_number = TextField(19, required=True, metadata={"example": "3941000000001"})
    bank = TextField(
        6, required=True, metadata={"description": "6-digit BIN of the bank", "example": "970436"}
    )
    account_name = TextField(140, required=True, metadata={"example": "KHO BAC NHA NUOC"})
    treasury_chapter = TextField(3, load_default=None, allow_none=True, metadata={"example": "160"})
    treasury_sub_item = TextField(4, load_default=None, allow_none=True, metadata={"example": "4252"})


class TermsRequest(Strict):
    """What an agency states of an obligation."""

    amount = MoneyField(required=True)
    payer_name = TextField(140, required=True, metadata={"example": "Nguyễn Thị Hương"})
    identifiers = fields.Dict(
        keys=TextField(40),
        values=TextField(64),
        required=True,
        validate=_few,
        metadata={
            "maxProperties": _MOST_IDENTIFIERS,
            "example": {"decision_number": "0042/QD-XPHC", "decided_on": "2026-02-27"},
        },
    )
    description = TextField(500, required=True, metadata={"example": "Phạt vi phạm giao thông"})
    due_on = DayField(load_default=None, allow_none=True)
    beneficiary = fields.Nested(BeneficiaryRequest, required=True)


def terms_of(given: dict[str, Any]) -> Terms:
    """The domain's terms from a checked request."""
    named = {name: given[name] for name in ("amount", "payer_name", "identifiers", "description", "due_on")}
    return Terms(**named, beneficiary=Beneficiary(**given["beneficiary"]))


class RegisterRequest(TermsRequest):
    """A new obligation."""

    agency = TextField(35, pattern=AGENCY_CODE, required=True, metadata={"example": "000.00.00.H41"})
    reference = TextField(64, pattern=AGENCY_REFERENCE, required=True, metadata={"example": "XP/2026/0042"})
    kind = fields.String(required=True, validate=_KINDS)

    @post_load
    def _in_domain_types(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {
            "agency": given["agency"],
            "reference": given["reference"],
            "kind": Kind(given["kind"]),
            "terms": terms_of(given),
        }


class AmendRequest(TermsRequest):
    """A new version of an obligation, whole, and why."""

    reason = TextField(500, required=True, metadata={"example": "Reduced on appeal"})

    @post_load
    def _in_domain_types(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"terms": terms_of(given), "reason": given["reason"]}


class ObligationQuery(PageQuery):
    """Which obligations are wanted."""

    agency = TextField(35, pattern=AGENCY_CODE)
    kind = fields.String(validate=_KINDS)
    state = fields.String(validate=validate.OneOf(_STATES))
    due_from = DayField()
    due_to = DayField()


blueprint: Final = Resource("obligations", __name__, description="What somebody owes an agency.")

_ONE: Final = "/agencies/<agency>/obligations/<agency_reference:reference>"
_CHANGE: Final = (errors.AgencyNotFound, errors.ObligationNotFound, errors.ObligationClosed)


class AgencyReferenceConverter(BaseConverter):
    """An agency's own reference in an address. It may hold slashes, plain or as ``%2F``: both arrive the same."""

    part_isolating = False
    regex = r"[A-Za-z0-9][A-Za-z0-9._:\-]*(?:/[A-Za-z0-9][A-Za-z0-9._:\-]*)*"


@blueprint.serve(
    Endpoint(
        "POST",
        "/obligations",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=RegisterRequest,
        gives=ObligationView,
        tagged=True,
        statuses=(201, 200),
        refuses=(errors.MalformedObligation, errors.AgencyNotFound, errors.Conflict),
    )
)
def register(body: dict[str, Any]) -> Response:
    """Register an obligation

    The agency's reference makes it one: the same statement again is answered with 200 and what stands; another
    statement under the same reference is refused. To change what is owed, amend it.
    """
    view, new = register_obligation(current_hub(), caller=current_caller(), **body)
    location = f"/v1/agencies/{view.agency}/obligations/{view.reference}"
    return answer_versioned(view, 201 if new else 200, {"Location": location})


@blueprint.serve(
    Endpoint(
        "GET",
        "/obligations",
        scope=Scope.OBLIGATIONS_READ,
        query=ObligationQuery,
        gives=Page[ObligationView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List obligations, newest first"""
    page = list_obligations(current_hub(), caller=current_caller(), **query)
    return answer(page)


@blueprint.serve(
    Endpoint(
        "GET",
        _ONE,
        scope=Scope.OBLIGATIONS_READ,
        gives=ObligationView,
        tagged=True,
        refuses=(errors.ObligationNotFound,),
    )
)
def show(agency: str, reference: str) -> Response:
    """Show an obligation"""
    return answer_versioned(
        show_obligation(current_hub(), caller=current_caller(), agency=agency, reference=reference)
    )


@blueprint.serve(
    Endpoint(
        "PUT",
        _ONE,
        scope=Scope.OBLIGATIONS_WRITE,
        takes=AmendRequest,
        gives=ObligationView,
        tagged=True,
        versioned=True,
        refuses=(errors.MalformedObligation, *_CHANGE),
    )
)
def amend(body: dict[str, Any], agency: str, reference: str) -> Response:
    """Amend an obligation

    States it anew as a whole and makes a new version. An open payment order for the old version is cancelled.
    """
    view = amend_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=if_match_version(),
        **body,
    )
    return answer_versioned(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/withdraw",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=ReasonSchema,
        gives=ObligationView,
        tagged=True,
        versioned=True,
        refuses=_CHANGE,
    )
)
def withdraw(body: dict[str, Any], agency: str, reference: str) -> Response:
    """Withdraw an obligation

    It is no longer owed; its open payment order is cancelled with the same reason.
    """
    view = withdraw_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=if_match_version(),
        **body,
    )
    return answer_versioned(view)


@blueprint.serve(
    Endpoint(
        "POST",
        f"{_ONE}/restore",
        scope=Scope.OBLIGATIONS_WRITE,
        takes=ReasonSchema,
        gives=ObligationView,
        tagged=True,
        versioned=True,
        refuses=_CHANGE,
    )
)
def restore(body: dict[str, Any], agency: str, reference: str) -> Response:
    """Restore a withdrawn obligation

    It is owed again under the same reference, as a new version.
    """
    view = restore_obligation(
        current_hub(),
        caller=current_caller(),
        agency=agency,
        reference=reference,
        version=if_match_version(),
        **body,
    )
    return answer_versioned(view)
