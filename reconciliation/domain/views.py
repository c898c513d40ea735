"""What officers and agencies are shown of runs and discrepancies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from payment_hub.domain.money import DECIMAL_PLACES, Money
from payment_hub.domain.wire import Shown
from reconciliation.domain.discrepancies import (
    Decision,
    DiscrepancyEvent,
    DiscrepancyKind,
    DiscrepancyState,
)
from reconciliation.domain.files import FileState
from reconciliation.domain.rules import RULE_OF
from reconciliation.domain.runs import RunState
from reconciliation.domain.texts.explanation import Explanation
from reconciliation.domain.totals import Line


@dataclass(frozen=True, slots=True)
class Amount:
    """What one side of a case has. Without a currency it has nothing."""

    items: int
    minor: Annotated[int, Shown(hidden=True)]
    currency: str | None

    @property
    def amount(self) -> Annotated[str, Shown()]:
        """Plain digits, as everywhere in answers."""
        return self.plain()

    def plain(self) -> str:
        """Plain digits, as everywhere on the wire."""
        return str(Money(self.minor, self.currency)) if self.currency in DECIMAL_PLACES else str(self.minor)

    def spoken(self, separator: str) -> str:
        """For a sentence: ``150.000 VND``."""
        whole, point, rest = self.plain().partition(".")
        decimal = "," if separator == "." else "."
        return (
            f"{int(whole):,}".replace(",", separator)
            + (decimal + rest if point else "")
            + f" {self.currency or ''}".rstrip()
        )


@dataclass(frozen=True, slots=True)
class Explanations:
    """In both languages."""

    vi: Explanation
    en: Explanation


@dataclass(frozen=True, slots=True)
class FindingView:
    """A case that does not agree."""

    case: str
    kind: DiscrepancyKind
    scope: str
    day: date
    agency: str | None
    order_reference: Annotated[str | None, Shown("order")]
    hub: Amount
    other: Amount
    detail: str

    @property
    def due_on(self) -> Annotated[date, Shown()]:
        """By when somebody should have acted."""
        return self.day + timedelta(days=RULE_OF[self.kind].days)

    @property
    def usual_decision(self) -> Annotated[Decision, Shown()]:
        """What is mostly decided about this kind."""
        return RULE_OF[self.kind].decision

    @property
    def explanation(self) -> Annotated[Explanations, Shown()]:
        """The finding in words."""
        return Explanations(self.explained("vi"), self.explained("en"))

    def explained(self, language: str) -> Explanation:
        """What, why and who in ``vi`` or ``en``."""
        separator = "." if language == "vi" else ","
        values = {
            "case": self.case,
            "day": f"{self.day:%d/%m/%Y}" if language == "vi" else self.day.isoformat(),
            "place": self.scope.partition(":")[2],
            "hub": self.hub.spoken(separator),
            "other": self.other.spoken(separator),
            "hub_items": self.hub.items,
            "other_items": self.other.items,
            "detail": self.detail,
        }
        return RULE_OF[self.kind].explanation(language).filled_in(values)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to a discrepancy."""

    event: DiscrepancyEvent
    actor: str
    happened_at: Annotated[datetime, Shown("at")]
    run: int | None
    decision: Decision | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class DiscrepancyView:
    """A discrepancy as officers work on it. ``history`` is empty in lists."""

    number: int
    version: int
    state: DiscrepancyState
    finding: Annotated[FindingView, Shown(flat=True)]
    detected_by: Annotated[int, Shown(description="Number of the run")]
    auto_resolved_by: int | None
    decision: Decision | None
    reason: str | None
    proposed_by: str | None
    approved_by: str | None
    opened_at: datetime
    closed_at: datetime | None
    history: Sequence[HistoryLine] = ()


@dataclass(frozen=True, slots=True)
class FigureView:
    """So many items of so much together."""

    count: int
    amount: Annotated[str, Shown(description="Minor units", example="150000")]


@dataclass(frozen=True, slots=True)
class TotalsView:
    """One side in one currency: ``items`` is the sum of the other three, by count and by amount."""

    side: Annotated[str, Shown(example="hub")]
    currency: str
    items: FigureView
    matched: FigureView
    discrepant: FigureView
    open: FigureView


def totals_view(line: Line) -> TotalsView:
    """The totals of one side as a run keeps them: minor units as text."""
    figures = (line.items, line.matched, line.discrepant, line.open)
    return TotalsView(
        line.book, line.currency, *(FigureView(figure.count, str(figure.amount)) for figure in figures)
    )


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of the other side."""

    sha256: str
    state: FileState
    reason: str | None
    lines: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One comparison of two books for one day."""

    number: int
    scope: str
    day: date
    state: RunState
    started_by: str
    planned_at: datetime
    ended_at: datetime | None
    reason: Annotated[str | None, Shown(description="Why it failed")]
    repeats: Annotated[int | None, Shown(description="The earlier run whose result stands")]
    totals: Annotated[Sequence[Mapping[str, Any]], Shown(shape=TotalsView)]
    files: Annotated[Sequence[Mapping[str, Any]], Shown(shape=FileView)]
    findings: Annotated[Mapping[str, int], Shown(description="Cases by kind")]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A run's report. The same run gives the same bytes."""

    run: int
    scope: str
    day: date
    state: RunState
    totals: Annotated[Sequence[Mapping[str, Any]], Shown(shape=TotalsView)]
    files: Annotated[Sequence[Mapping[str, Any]], Shown(shape=FileView)]
    findings: Sequence[FindingView]
