"""Show one run with its control totals."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.views import RunView
from reconciliation.store import reading


def show_run(books: Books, *, caller: Caller, run: int) -> RunView:
    """The run. Raises RunNotFound, also for a run that the caller may not see."""
    with books.hub.transaction() as session:
        return reading.run_view(session, caller, run)
