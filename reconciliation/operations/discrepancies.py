"""Discrepancies: list them, newest first, or show one with its history."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.access import Caller
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from reconciliation.books import Books
from reconciliation.domain.discrepancies import DiscrepancyKind, DiscrepancyState
from reconciliation.domain.views import DiscrepancyView
from reconciliation.store import discrepancies


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
    with books.hub.transaction() as session:
        views = discrepancies.discrepancy_views(
            session,
            caller,
            scope=scope,
            agency=agency,
            kind=kind,
            state=state,
            day_from=day_from,
            day_to=day_to,
            after=read_cursor(after),
            limit=limit + 1,
        )
    return Page(views[:limit], cursor_of(views[limit - 1].number) if len(views) > limit else None)


def show_discrepancy(books: Books, *, caller: Caller, number: int) -> DiscrepancyView:
    """The discrepancy. Raises DiscrepancyNotFound, also for one that the caller may not see."""
    with books.hub.transaction() as session:
        return discrepancies.discrepancy_view(session, caller, number)
