"""List obligations, newest first."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.keys import Caller
from payment_hub.domain.pages import Page, cursor_of, key_of
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations


def list_obligations(
    hub: Hub,
    *,
    caller: Caller,
    agency: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    due_from: date | None = None,
    due_to: date | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[ObligationView]:
    """A page of what the caller may see; the order is stable while others register. Raises Malformed for a cursor."""
    with hub.transaction() as session:
        found = obligations.list_views(
            session,
            caller,
            agency=agency,
            kind=kind,
            state=state,
            due_from=due_from,
            due_to=due_to,
            after=key_of(after),
            limit=limit + 1,
        )
    return Page(
        tuple(view for _, view in found[:limit]),
        cursor_of(found[limit - 1][0]) if len(found) > limit else None,
    )
