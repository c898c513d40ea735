"""Plan a night: which books are to be compared for the day that has just ended."""

from __future__ import annotations

from datetime import date, timedelta

from payment_hub.domain.bank_port import HasStatement
from payment_hub.domain.day import business_day
from reconciliation.books import Books
from reconciliation.domain.scope import MONEY, Scope, agency_scope, bank_scope
from reconciliation.store import nights, runs


def plan_night(books: Books, *, day: date | None = None) -> tuple[tuple[str, str], ...]:
    """Scope and day of each run, as words that a broker can carry: banks, agencies, and the money left open.

    Without ``day`` it is yesterday in hub time. What is planned is remembered, and planned only once.
    """
    now = books.now()
    day = day or business_day(now) - timedelta(days=1)
    left = books.ledgers.agencies(day)
    with books.hub.transaction() as session:
        agencies = nights.agencies_of(session, day, left)
        planned: list[tuple[Scope, int | None]] = [
            (bank_scope(bank), None) for bank in books.hub.banks_able(HasStatement)
        ]
        planned += [(agency_scope(code), key) for code, key in agencies]
        planned.append((MONEY, None))
        for scope, key in planned:
            runs.plan(session, scope=scope, agency=key, day=day, by="clock", at=now)
    return tuple((str(scope), day.isoformat()) for scope, _ in planned)
