"""Requests about runs and discrepancies."""

from __future__ import annotations

from typing import Final

from marshmallow import fields, validate

from payment_hub.web.api.fields import (
    AGENCY_CODE,
    DayField,
    PageQuery,
    Strict,
    TextField,
)
from reconciliation.domain.discrepancies import Decision, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.runs import RunState

SCOPE: Final = r"^(?:bank:[a-z][a-z0-9_]{1,30}|agency:[0-9A-Z]+(?:\.[0-9A-Z]+)*|money:left-open)$"


def a_scope(**options: object) -> TextField:
    """``bank:vnpay``, ``agency:G22.99`` or ``money:left-open``."""
    return TextField(50, pattern=SCOPE, metadata={"example": "bank:vnpay"}, **options)


def one_of(
    enumeration: type[DiscrepancyKind | DiscrepancyState | Decision | RunState], **options: object
) -> fields.String:
    """A word that must be one of ours."""
    return fields.String(validate=validate.OneOf([str(word) for word in enumeration]), **options)  # type: ignore[arg-type]


class RunRequest(Strict):
    """Which books are to be compared for which day."""

    scope = a_scope(required=True)
    day = DayField(required=True)


class RunQuery(PageQuery):
    """Which runs are wanted."""

    scope = a_scope()
    state = one_of(RunState)
    day_from = DayField()
    day_to = DayField()


class DiscrepancyQuery(PageQuery):
    """Which discrepancies are wanted."""

    scope = a_scope()
    agency = TextField(35, pattern=AGENCY_CODE)
    kind = one_of(DiscrepancyKind)
    state = one_of(DiscrepancyState)
    day_from = DayField()
    day_to = DayField()


class ProposalRequest(Strict):
    """What is to be done, and why."""

    decision = one_of(Decision, required=True)
    reason = TextField(500, required=True, metadata={"example": "Letter 12/NH of 4 March 2026"})
