"""Write down what a run found, and let the discrepancies follow: heal those that are gone, open those that are new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from reconciliation.domain.runs import Scope
from reconciliation.store.comparison import PAIRS

_RECORD: Final = """
INSERT INTO finding (run_id, case_key, kind, day, agency_id, order_reference, hub_items, hub_amount, hub_currency,
    other_items, other_amount, other_currency)
SELECT :run, case_key, kind, day, agency_id, order_reference, hub_items, hub_amount, hub_currency, other_items,
    other_amount, other_currency
FROM judged WHERE kind IS NOT NULL
ORDER BY case_key"""

_RECORD_FILE: Final = """
INSERT INTO finding (run_id, case_key, kind, day, agency_id, hub_items, hub_amount, other_items, other_amount, detail)
VALUES (:run, :case_key, :kind, :day, :agency, 0, 0, :files, 0, :detail)"""

_SAME: Final = """
f.case_key = {d}.case_key AND f.kind = {k}.kind AND f.hub_items = {k}.hub_items AND f.hub_amount = {k}.hub_amount
AND f.other_items = {k}.other_items AND f.other_amount = {k}.other_amount
AND f.hub_currency IS NOT DISTINCT FROM {k}.hub_currency AND f.other_currency IS NOT DISTINCT FROM {k}.other_currency
AND f.detail = {k}.detail"""

_HEAL: Final = f"""
WITH healed AS (
    UPDATE discrepancy d SET state = 'AUTO_RESOLVED', auto_resolved_by = :run, closed_at = :now, version = d.version + 1
    FROM finding k
    WHERE k.id = d.finding_id AND d.scope = :scope AND d.state IN ('OPEN', 'PROPOSED')
        AND (d.case_key IN (SELECT case_key FROM doubtful) OR d.case_key = ANY(CAST(:looked_at AS text[])))
        AND NOT EXISTS (SELECT FROM finding f WHERE f.run_id = :run AND {_SAME.format(d="d", k="k")})
    RETURNING d.id
)
INSERT INTO discrepancy_event (discrepancy_id, event, actor, run_id, happened_at)
SELECT id, 'AUTO_RESOLVED', 'run', :run, :now FROM healed ORDER BY id"""

# What officers have resolved stays resolved while the figures are the same.
_OPEN: Final = f"""
WITH opened AS (
    INSERT INTO discrepancy (scope, case_key, finding_id, agency_id, day, kind, state, opened_at)
    SELECT :scope, f.case_key, f.id, f.agency_id, f.day, f.kind, 'OPEN', :now
    FROM finding f
    WHERE f.run_id = :run AND NOT EXISTS (
        SELECT FROM discrepancy d JOIN finding k ON k.id = d.finding_id
        WHERE d.scope = :scope AND d.case_key = f.case_key AND d.state IN ('OPEN', 'PROPOSED', 'RESOLVED')
            AND {_SAME.format(d="d", k="k")})
    ORDER BY f.id
    RETURNING id
)
INSERT INTO discrepancy_event (discrepancy_id, event, actor, run_id, happened_at)
SELECT id, 'DETECTED', 'run', :run, :now FROM opened ORDER BY id"""


def record(session: Session, *, run: int) -> None:
    """Add a finding for every case that does not agree."""
    session.execute(text(_RECORD), {"run": run})


def record_file(
    session: Session,
    *,
    run: int,
    scope: Scope,
    agency: int | None,
    day: date,
    files: Sequence[Mapping[str, Any]],
) -> str | None:
    """Add a finding when no file of the day could be accepted. Returns the key of that case, found or not."""
    pair = PAIRS[scope.side]
    if pair.files is None:
        return None
    case_key = f"{pair.file_words} {day.isoformat()}"
    if not any(file["state"] == "ACCEPTED" for file in files):
        finding = {
            "run": run,
            "case_key": case_key,
            "kind": pair.refused if files else pair.missing,
            "day": day,
            "agency": agency,
            "files": len(files),
            "detail": "; ".join(str(file["reason"]) for file in files),
        }
        session.execute(text(_RECORD_FILE), finding)
    return case_key


def let_discrepancies_follow(
    session: Session, *, run: int, scope: Scope, file_case: str | None, at: datetime
) -> None:
    """Heal what the run looked into and did not find again, then open what it found anew."""
    values = {"run": run, "scope": str(scope), "now": at, "looked_at": [file_case] if file_case else []}
    session.execute(text(_HEAL), values)
    session.execute(text(_OPEN), values)
