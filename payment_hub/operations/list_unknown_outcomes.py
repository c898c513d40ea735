"""List the attempts whose outcome is unknown, for the officers who must see to those that stay so."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.money import Money
from payment_hub.domain.outcome_views import UnknownView
from payment_hub.domain.pages import Page, cursor_of, key_of
from payment_hub.hub import Hub
from payment_hub.store import outcomes


def list_unknown_outcomes(
    hub: Hub, *, caller: Caller, overdue: bool = False, after: str | None = None, limit: int = 50
) -> Page[UnknownView]:
    """One page, the oldest first; with ``overdue`` those alone that lie before an officer. Raises Malformed."""
    now = hub.now()
    with hub.transaction() as session:
        rows = outcomes.unknown(session, caller, overdue=overdue, after=key_of(after) or 0, limit=limit + 1)
    views = [
        UnknownView(
            reference=row["reference"],
            order_reference=row["order_reference"],
            agency=row["agency"],
            bank=row["bank"],
            state=row["state"],
            told=row["told"],
            amount=Money(row["amount"], row["currency"]),
            asked=row["asked"],
            unknown_at=row["unknown_at"],
            known_by=hub.promise_of(row["bank"]).known_by(row["unknown_at"], row["ask_at"], now),
            officer_since=row["officer_since"],
        )
        for row in rows[:limit]
    ]
    return Page(tuple(views), cursor_of(rows[limit - 1]["id"]) if len(rows) > limit else None)
