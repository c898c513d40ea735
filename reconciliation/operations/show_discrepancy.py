"""Show one discrepancy with everything that happened to it."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import reading


def show_discrepancy(books: Books, *, caller: Caller, number: int) -> DiscrepancyView:
    """The discrepancy. Raises DiscrepancyNotFound, also for one that the caller may not see."""
    with books.hub.transaction() as session:
        return reading.discrepancy_view(session, caller, number)
