"""Findings: record what a run found, and let the discrepancies follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payment_hub.store.named_sql import named
from reconciliation.domain.discrepancies import LIVE, DiscrepancyEvent, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.files import FileState, file_case
from reconciliation.domain.runs import Side
from reconciliation.domain.views import Amount, FileView, FindingView
from reconciliation.store.comparison import Comparison, kind_of
from reconciliation.store.temporary_tables import keep_as

_SQL: Final = named(
    "reconciliation.store",
    "sql/findings.sql",
    bank_file_kind=kind_of(Side.BANK, of_files=True),
    agency_file_kind=kind_of(Side.AGENCY, of_files=True),
    live=LIVE,
    live_or_resolved=(*LIVE, DiscrepancyState.RESOLVED),
    open=DiscrepancyState.OPEN,
    auto_resolved=DiscrepancyState.AUTO_RESOLVED,
    auto_resolved_event=DiscrepancyEvent.AUTO_RESOLVED,
    detected=DiscrepancyEvent.DETECTED,
)


def record(session: Session, comparison: Comparison, *, run: int, files: Sequence[FileView]) -> None:
    """Add a finding for every case that does not agree, and one if no file of the day could be accepted."""
    session.execute(text(_SQL["record_findings"]), {"run": run})
    if comparison.scope.side is Side.MONEY:
        return
    refused = [file for file in files if file.state is FileState.REFUSED]
    params = {
        "run": run,
        "side": str(comparison.scope.side),
        "case_key": file_case(comparison.scope.side, comparison.day),
        "day": comparison.day,
        "agency_id": comparison.agency_id,
        "accepted_files": len(files) - len(refused),
        "refused_files": len(refused),
        "detail": "; ".join(str(file.reason) for file in refused),
    }
    session.execute(text(_SQL["record_file_finding"]), params)


def update_discrepancies(session: Session, comparison: Comparison, *, run: int, at: datetime) -> None:
    """Resolve discrepancies that the run compared and did not find again, then open those that it found anew."""
    params = {
        "run": run,
        "scope": str(comparison.scope),
        "file_case": file_case(comparison.scope.side, comparison.day),
        "at": at,
    }
    keep_as(session, "unchanged", _SQL["unchanged"], params)
    session.execute(text(_SQL["auto_resolve"]), params)
    session.execute(text(_SQL["open_discrepancies"]), params)


def finding_views(session: Session, run: int) -> list[FindingView]:
    """What a run found, in the order in which it was recorded."""
    return [
        finding_view(row) for row in session.execute(text(_SQL["findings_of_a_run"]), {"run": run}).mappings()
    ]


def finding_view(row: RowMapping) -> FindingView:
    """The finding in a row that has its columns."""
    return FindingView(
        case=row["case_key"],
        kind=DiscrepancyKind(row["kind"]),
        scope=row["scope"],
        day=row["finding_day"],
        agency=row["agency"],
        order_reference=row["order_reference"],
        hub=Amount(row["hub_items"], row["hub_amount"], row["hub_currency"]),
        other=Amount(row["other_items"], row["other_amount"], row["other_currency"]),
        detail=row["detail"],
    )
