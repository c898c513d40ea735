"""List the nights' runs, newest first."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.keys import Caller
from payment_hub.domain.pages import Page, cursor_of, key_of
from reconciliation.books import Books
from reconciliation.domain.run import RunState
from reconciliation.domain.views import RunView
from reconciliation.store import reading


def list_runs(
    books: Books,
    *,
    caller: Caller,
    scope: str | None = None,
    state: RunState | None = None,
    day_from: date | None = None,
    day_to: date | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[RunView]:
    """A page of runs. An agency sees the runs over its own ledger only: the others hold other agencies' figures."""
    asked = {"scope": scope, "state": state, "day_from": day_from, "day_to": day_to, "after": key_of(after)}
    with books.hub.transaction() as session:
        found = reading.run_views(session, caller, limit=limit + 1, **asked)
    return Page(found[:limit], cursor_of(found[limit - 1].number) if len(found) > limit else None)
