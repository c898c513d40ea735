"""Catch up: plan again what the last nights did not bring to an end, whatever became of the broker's messages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from payment_hub.domain.bank_port import HasStatement
from payment_hub.domain.day import business_day
from reconciliation.books import Books
from reconciliation.domain.scope import MONEY, Scope, Side, agency_scope, bank_scope
from reconciliation.store import nights, runs

#: How many days back a night is made up for by itself.
DAYS: Final = 7


def catch_up_nights(books: Books) -> tuple[tuple[str, str], ...]:
    """Scope and day of each run that is lacking among the last seven days, oldest first.

    Lacking is a run that never committed, or that could not have the other side's file yet. Runs whose process has
    gone silent are given back first.
    """
    now = books.now()
    today = business_day(now)
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    lacking: list[tuple[Scope, date]] = []
    left = {day: books.ledgers.agencies(day) for day in days}
    with books.hub.transaction() as session:
        runs.reap(session, now)
        begun = nights.first_day(session)
        for day in days:
            if begun is None or day < begun:
                continue
            banks = [bank_scope(bank) for bank in books.hub.banks_able(HasStatement)]
            agencies = [agency_scope(code) for code, _ in nights.agencies_of(session, day, left[day])]
            for scope in (*banks, *agencies, MONEY):
                # A bank can be asked again; an agency's ledger is there or it is not.
                may_have_come = scope.side is not Side.AGENCY or scope.code in left[day]
                if runs.is_lacking(session, scope, day, file_may_have_come=may_have_come):
                    lacking.append((scope, day))
    return tuple((str(scope), day.isoformat()) for scope, day in lacking)
