"""Shapes of the officers' door."""

from __future__ import annotations

from typing import Final

from marshmallow import fields, validate

from payment_hub.web.api.fields import (
    AGENCY_CODE,
    DayField,
    PageQuery,
    Shown,
    Strict,
    TextField,
    moment,
    page_of,
    words,
)
from reconciliation.domain.discrepancies import Decision, DiscrepancyEvent, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.files import FileState
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


def a_decision_or_none() -> fields.String:
    """What officers decided, if they have."""
    return fields.String(
        required=True, allow_none=True, metadata={"enum": [*(str(word) for word in Decision), None]}
    )


class FigureSchema(Shown):
    """So many items of so much together."""

    count = fields.Integer(required=True)
    amount = fields.String(required=True, metadata={"description": "Minor units", "example": "150000"})


class TotalsSchema(Shown):
    """One side in one currency: ``items`` is the sum of the other three, by count and by amount."""

    side = fields.String(required=True, metadata={"example": "hub"})
    currency = fields.String(required=True)
    items = fields.Nested(FigureSchema, required=True)
    matched = fields.Nested(FigureSchema, required=True)
    discrepant = fields.Nested(FigureSchema, required=True)
    open = fields.Nested(FigureSchema, required=True)


class FileSchema(Shown):
    """A file of the other side."""

    sha256 = fields.String(required=True)
    state = words(FileState, required=True)
    reason = fields.String(required=True, allow_none=True)
    lines = fields.Integer(required=True)


class RunSchema(Shown):
    """One comparison of two books for one day."""

    number = fields.Integer(required=True)
    scope = fields.String(required=True)
    day = fields.String(required=True, metadata={"format": "date"})
    state = words(RunState, required=True)
    started_by = fields.String(required=True)
    planned_at = moment(required=True)
    ended_at = moment(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed"})
    repeats = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The earlier run whose result stands"}
    )
    totals = fields.List(fields.Nested(TotalsSchema), required=True)
    files = fields.List(fields.Nested(FileSchema), required=True)
    findings = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Cases by kind"},
    )


class SideSchema(Shown):
    """What one side of a case has. Without a currency it has nothing."""

    items = fields.Integer(required=True)
    amount = fields.String(required=True)
    currency = fields.String(required=True, allow_none=True)


class WordsSchema(Shown):
    """What happened, the likely cause, who acts."""

    what = fields.String(required=True)
    cause = fields.String(required=True)
    who = fields.String(required=True)


class ExplanationSchema(Shown):
    """In both languages."""

    vi = fields.Nested(WordsSchema, required=True)
    en = fields.Nested(WordsSchema, required=True)


class FindingSchema(Shown):
    """A case that does not agree."""

    case = fields.String(required=True)
    kind = words(DiscrepancyKind, required=True)
    scope = fields.String(required=True)
    day = fields.String(required=True, metadata={"format": "date"})
    agency = fields.String(required=True, allow_none=True)
    order = fields.String(required=True, allow_none=True)
    hub = fields.Nested(SideSchema, required=True)
    other = fields.Nested(SideSchema, required=True)
    detail = fields.String(required=True)
    due_on = fields.String(required=True, metadata={"format": "date"})
    usual_decision = words(Decision, required=True)
    explanation = fields.Nested(ExplanationSchema, required=True)


class HistorySchema(Shown):
    """One thing that happened to a discrepancy."""

    event = words(DiscrepancyEvent, required=True)
    actor = fields.String(required=True)
    at = moment(required=True)
    run = fields.Integer(required=True, allow_none=True)
    decision = a_decision_or_none()
    reason = fields.String(required=True, allow_none=True)


class DiscrepancySchema(FindingSchema):
    """A discrepancy as officers work on it. ``history`` is empty in lists."""

    number = fields.Integer(required=True)
    version = fields.Integer(required=True)
    state = words(DiscrepancyState, required=True)
    detected_by = fields.Integer(required=True, metadata={"description": "Number of the run"})
    auto_resolved_by = fields.Integer(required=True, allow_none=True)
    decision = a_decision_or_none()
    reason = fields.String(required=True, allow_none=True)
    proposed_by = fields.String(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)
    opened_at = moment(required=True)
    closed_at = moment(required=True, allow_none=True)
    history = fields.List(fields.Nested(HistorySchema), required=True)


class ReportSchema(Shown):
    """A run's report. The same run gives the same bytes."""

    run = fields.Integer(required=True)
    scope = fields.String(required=True)
    day = fields.String(required=True, metadata={"format": "date"})
    state = words(RunState, required=True)
    totals = fields.List(fields.Nested(TotalsSchema), required=True)
    files = fields.List(fields.Nested(FileSchema), required=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)


RunPageSchema = page_of(RunSchema)
DiscrepancyPageSchema = page_of(DiscrepancySchema)
