"""Questions about runs, findings and discrepancies, for whoever may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import DiscrepancyNotFound, RunNotFound
from payment_hub.store.access import visible_agency
from reconciliation.domain.discrepancies import Decision, DiscrepancyEvent, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.runs import RunState
from reconciliation.domain.views import Amount, DiscrepancyView, FindingView, HistoryLine, RunView

_SEEN: Final = "(CAST(:only_agency AS bigint) IS NULL OR {t}.agency_id = :only_agency)"

_RUNS: Final = f"""
SELECT r.*, (
    SELECT coalesce(json_object_agg(kind, n ORDER BY kind), '{{}}') FROM (
        SELECT kind, count(*) AS n FROM finding WHERE run_id = coalesce(r.repeats, r.id) GROUP BY kind) AS kinds
) AS findings
FROM reconciliation_run r
WHERE {_SEEN.format(t="r")}
    AND (CAST(:run AS bigint) IS NULL OR r.id = :run)
    AND (CAST(:scope AS text) IS NULL OR r.scope = :scope)
    AND (CAST(:state AS text) IS NULL OR r.state = :state)
    AND (CAST(:day_from AS date) IS NULL OR r.day >= :day_from)
    AND (CAST(:day_to AS date) IS NULL OR r.day <= :day_to)
    AND (CAST(:after AS bigint) IS NULL OR r.id < :after)
ORDER BY r.id DESC LIMIT :limit"""

_FINDING: Final = """f.case_key, f.kind, f.day AS finding_day, a.code AS agency, f.order_reference, f.hub_items,
    f.hub_amount, f.hub_currency, f.other_items, f.other_amount, f.other_currency, f.detail"""

_FINDINGS: Final = f"""
SELECT r.scope, {_FINDING} FROM finding f
JOIN reconciliation_run r ON r.id = f.run_id
LEFT JOIN agency a ON a.id = f.agency_id
WHERE f.run_id = :run ORDER BY f.id"""

_DISCREPANCIES: Final = f"""
SELECT d.*, f.run_id AS detected_by, {_FINDING}
FROM discrepancy d
JOIN finding f ON f.id = d.finding_id
LEFT JOIN agency a ON a.id = d.agency_id
WHERE {_SEEN.format(t="d")}
    AND (CAST(:number AS bigint) IS NULL OR d.id = :number)
    AND (CAST(:scope AS text) IS NULL OR d.scope = :scope)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:kind AS text) IS NULL OR d.kind = :kind)
    AND (CAST(:state AS text) IS NULL OR d.state = :state)
    AND (CAST(:day_from AS date) IS NULL OR d.day >= :day_from)
    AND (CAST(:day_to AS date) IS NULL OR d.day <= :day_to)
    AND (CAST(:after AS bigint) IS NULL OR d.id < :after)
ORDER BY d.id DESC LIMIT :limit"""

_HISTORY: Final = """
SELECT event, actor, happened_at, run_id AS run, decision, reason FROM discrepancy_event
WHERE discrepancy_id = :number ORDER BY id"""

_NO_RUN: Final = dict.fromkeys(("run", "scope", "state", "day_from", "day_to", "after"))
_NO_DISCREPANCY: Final = dict.fromkeys(
    ("number", "scope", "agency", "kind", "state", "day_from", "day_to", "after")
)


def run_views(session: Session, caller: Caller | None, *, limit: int, **asked: Any) -> list[RunView]:
    """Runs that the caller may see, newest first. None sees all."""
    values = {**_NO_RUN, **asked, **_limits(caller), "limit": limit}
    return [_run_view(row) for row in session.execute(text(_RUNS), values).mappings()]


def run_view(session: Session, caller: Caller | None, run: int) -> RunView:
    """One run. Raises RunNotFound."""
    found = run_views(session, caller, run=run, limit=1)
    if not found:
        raise RunNotFound(str(run))
    return found[0]


def finding_views(session: Session, run: int) -> list[FindingView]:
    """What a run found, in the order in which it wrote it down."""
    return [_finding_view(row) for row in session.execute(text(_FINDINGS), {"run": run}).mappings()]


def discrepancy_views(
    session: Session, caller: Caller | None, *, limit: int, **asked: Any
) -> list[DiscrepancyView]:
    """Discrepancies that the caller may see, newest first, without their history."""
    values = {**_NO_DISCREPANCY, **asked, **_limits(caller), "limit": limit}
    return [_discrepancy_view(row) for row in session.execute(text(_DISCREPANCIES), values).mappings()]


def discrepancy_view(session: Session, caller: Caller | None, number: int) -> DiscrepancyView:
    """One discrepancy with its history. Raises DiscrepancyNotFound."""
    values = {**_NO_DISCREPANCY, **_limits(caller), "number": number, "limit": 1}
    row = session.execute(text(_DISCREPANCIES), values).mappings().one_or_none()
    if row is None:
        raise DiscrepancyNotFound(str(number))
    lines = session.execute(text(_HISTORY), {"number": number}).mappings()
    return _discrepancy_view(row, tuple(_history_line(line) for line in lines))


def _limits(caller: Caller | None) -> Mapping[str, int | None]:
    return {"only_agency": None if caller is None else visible_agency(caller)}


def _run_view(row: RowMapping) -> RunView:
    return RunView(
        number=row["id"],
        scope=row["scope"],
        day=row["day"],
        state=RunState(row["state"]),
        started_by=row["started_by"],
        planned_at=row["planned_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        repeats=row["repeats"],
        totals=row["totals"] or (),
        files=row["files"] or (),
        findings=row["findings"],
    )


def _finding_view(row: RowMapping) -> FindingView:
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


def _history_line(row: RowMapping) -> HistoryLine:
    return HistoryLine(
        event=DiscrepancyEvent(row["event"]),
        actor=row["actor"],
        happened_at=row["happened_at"],
        run=row["run"],
        decision=row["decision"] and Decision(row["decision"]),
        reason=row["reason"],
    )


def _discrepancy_view(row: RowMapping, history: tuple[HistoryLine, ...] = ()) -> DiscrepancyView:
    return DiscrepancyView(
        number=row["id"],
        version=row["version"],
        state=DiscrepancyState(row["state"]),
        finding=_finding_view(row),
        detected_by=row["detected_by"],
        auto_resolved_by=row["auto_resolved_by"],
        decision=row["decision"] and Decision(row["decision"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        approved_by=row["approved_by"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        history=history,
    )
