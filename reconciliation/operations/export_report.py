"""Export a run's report: the same run gives the same bytes, however often and whenever."""

from __future__ import annotations

from payment_hub.domain.errors import RunNotFound
from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.report import as_csv, as_json
from reconciliation.domain.run import RunState
from reconciliation.store import reading


def export_report(books: Books, *, caller: Caller, run: int, form: str = "csv") -> str:
    """The report as text, ``csv`` or ``json``; for a run that repeats an earlier one, that one's.

    Raises RunNotFound for a run that the caller may not see, or that has no result.
    """
    with books.hub.transaction() as session:
        found = reading.run_view(session, caller, run)
        if found.repeats is not None:
            found = reading.run_view(session, caller, found.repeats)
        if found.state != RunState.COMMITTED:
            raise RunNotFound(f"run {run} has no result")
        findings = reading.finding_views(session, found.number)
    return as_json(found, findings) if form == "json" else "".join(as_csv(found, findings))
