"""What officers and agencies are shown of the night, and the one form in which it goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from payment_hub.domain.calendar import wire_moment
from payment_hub.domain.money import DECIMAL_PLACES, Money
from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.rules import RULE_OF
from reconciliation.domain.texts import LANGUAGES


@dataclass(frozen=True, slots=True)
class Amount:
    """So many items of so many minor units together, on one side of a case."""

    items: int
    minor: int
    currency: str | None

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire. No currency means that the side has nothing."""
        return {"items": self.items, "amount": self.plain(), "currency": self.currency}

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
class FindingView:
    """One case that did not agree: what both sides said."""

    case: str
    kind: DiscrepancyKind
    scope: str
    day: date
    agency: str | None
    order_reference: str | None
    hub: Amount
    other: Amount
    detail: str

    @property
    def due_on(self) -> date:
        """By when somebody should have acted."""
        return self.day + timedelta(days=RULE_OF[self.kind].days)

    def explained(self, language: str) -> dict[str, str]:
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

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "case": self.case,
            "kind": str(self.kind),
            "scope": self.scope,
            "day": self.day.isoformat(),
            "agency": self.agency,
            "order": self.order_reference,
            "hub": self.hub.as_wire(),
            "other": self.other.as_wire(),
            "detail": self.detail,
            "due_on": self.due_on.isoformat(),
            "usual_decision": str(RULE_OF[self.kind].decision),
            "explanation": {language: self.explained(language) for language in LANGUAGES},
        }


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to a discrepancy."""

    event: str
    actor: str
    happened_at: datetime
    run: int | None
    decision: str | None
    reason: str | None

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "event": self.event,
            "actor": self.actor,
            "at": wire_moment(self.happened_at),
            "run": self.run,
            "decision": self.decision,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class DiscrepancyView:
    """A discrepancy as an officer works on it."""

    number: int
    version: int
    state: str
    finding: FindingView
    detected_by: int
    """The number of the run."""
    auto_resolved_by: int | None
    decision: str | None
    reason: str | None
    proposed_by: str | None
    approved_by: str | None
    opened_at: datetime
    closed_at: datetime | None
    history: Sequence[HistoryLine] = ()

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "number": self.number,
            "version": self.version,
            "state": self.state,
            **self.finding.as_wire(),
            "detected_by": self.detected_by,
            "auto_resolved_by": self.auto_resolved_by,
            "decision": self.decision,
            "reason": self.reason,
            "proposed_by": self.proposed_by,
            "approved_by": self.approved_by,
            "opened_at": wire_moment(self.opened_at),
            "closed_at": wire_moment(self.closed_at),
            "history": [line.as_wire() for line in self.history],
        }


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and its control totals."""

    number: int
    scope: str
    day: date
    state: str
    started_by: str
    planned_at: datetime
    ended_at: datetime | None
    reason: str | None
    repeats: int | None
    totals: Sequence[Mapping[str, Any]]
    files: Sequence[Mapping[str, Any]]
    findings: Mapping[str, int]
    """How many cases of each kind."""

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "number": self.number,
            "scope": self.scope,
            "day": self.day.isoformat(),
            "state": self.state,
            "started_by": self.started_by,
            "planned_at": wire_moment(self.planned_at),
            "ended_at": wire_moment(self.ended_at),
            "reason": self.reason,
            "repeats": self.repeats,
            "totals": list(self.totals),
            "files": list(self.files),
            "findings": dict(self.findings),
        }
