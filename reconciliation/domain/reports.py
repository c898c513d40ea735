"""A run's report: what it found and its control totals, as CSV and as JSON. The same run gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from payment_hub.domain.wire import to_wire
from reconciliation.domain.views import FindingView, ReportView, RunView

#: The columns under the heading of the findings.
COLUMNS: Final = (
    "case",
    "kind",
    "day",
    "agency",
    "order",
    "hub_items",
    "hub_amount",
    "hub_currency",
    "other_items",
    "other_amount",
    "other_currency",
    "due_on",
    "what_vi",
    "who_vi",
    "what_en",
    "who_en",
)

TOTALS: Final = (
    "side",
    "currency",
    *(f"{c}_{f}" for c in ("items", "matched", "discrepant", "open") for f in ("count", "amount")),
)

#: What a spreadsheet may take for the start of a formula, the full-width forms included.
_FORMULA: Final = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")


def harmless(cell: object) -> str:
    """The cell as text that no spreadsheet runs as a formula."""
    text = "" if cell is None else str(cell)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def as_csv(run: RunView, findings: Iterable[FindingView]) -> Iterator[str]:
    """The report in pieces: about the run, its totals, a line a finding. UTF-8 text, CRLF, amounts as plain digits."""
    yield _line(["run", "scope", "day", "state"]) + _line(
        [run.number, run.scope, run.day.isoformat(), run.state]
    )
    yield _line([]) + _line(TOTALS)
    for total in run.totals:
        figures = [
            total[column][name]
            for column in ("items", "matched", "discrepant", "open")
            for name in ("count", "amount")
        ]
        yield _line([total["side"], total["currency"], *figures])
    yield _line([]) + _line(COLUMNS)
    for finding in findings:
        yield _line(_cells(finding))


def as_json(run: RunView, findings: Iterable[FindingView]) -> str:
    """The report as one object."""
    report = ReportView(
        run=run.number,
        scope=run.scope,
        day=run.day,
        state=run.state,
        totals=run.totals,
        files=run.files,
        findings=tuple(findings),
    )
    return json.dumps(to_wire(report), ensure_ascii=False, separators=(",", ":"))


def _cells(finding: FindingView) -> Sequence[object]:
    vi, en = finding.explained("vi"), finding.explained("en")
    sides = [(side.items, side.plain(), side.currency) for side in (finding.hub, finding.other)]
    return [
        finding.case,
        finding.kind,
        finding.day.isoformat(),
        finding.agency,
        finding.order_reference,
        *sides[0],
        *sides[1],
        finding.due_on.isoformat(),
        vi.what,
        vi.who,
        en.what,
        en.who,
    ]


def _line(cells: Iterable[object]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return written.getvalue()
