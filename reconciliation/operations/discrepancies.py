"""List discrepancies, newest first.

Show one discrepancy with everything that happened to it.
"""

from __future__ import annotations

from datetime import date

from payment_hub.domain.access import Caller
from payment_hub.domain.paging import Page, cursor_of, key_of
from reconciliation.books import Books
from reconciliation.domain.discrepancies import DiscrepancyKind, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import reading


def list_discrepancies(
    books: Books,
    *,
    caller: Caller,
    scope: str | None = None,
    agency: str | None = None,
    kind: DiscrepancyKind | None = None,
    state: DiscrepancyState | None = None,
    day_from: date | None = None,
    day_to: date | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[DiscrepancyView]:
    """A page of discrepancies, without their history. An agency sees its own only."""
    asked = {
        "scope": scope,
        "agency": agency,
        "kind": kind,
        "state": state,
        "day_from": day_from,
        "day_to": day_to,
    }
    with books.hub.transaction() as session:
        found = reading.discrepancy_views(session, caller, after=key_of(after), limit=limit + 1, **asked)
    return Page(found[:limit], cursor_of(found[limit - 1].number) if len(found) > limit else None)


def show_discrepancy(books: Books, *, caller: Caller, number: int) -> DiscrepancyView:
    """The discrepancy. Raises DiscrepancyNotFound, also for one that the caller may not see."""
    with books.hub.transaction() as session:
        return reading.discrepancy_view(session, caller, number)
