"""Steps of a night that many tests take, and questions about what came of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text

from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.keys import USUAL_SCOPES, Caller, Role
from reconciliation.books import Books
from reconciliation.domain.scope import MONEY, agency_scope, bank_scope
from reconciliation.operations.collect_and_reconcile import collect_and_reconcile
from tests.builders import an_order, confirmation, hear
from tests.reconciliation.paper import DAY

BANK = bank_scope("sandbox")
AGENCY = agency_scope("G22.99")


def an_officer(name: str, **more: Any) -> Caller:
    """A finance officer who may see everything unless said otherwise."""
    return Caller(0, Role.OFFICER, name, frozenset(USUAL_SCOPES[Role.OFFICER]), **more)


def paid(
    books: Books, agency: Caller, portal: Caller, transaction: str, amount: int = 150_000
) -> dict[str, Any]:
    """An order that was paid by a callback."""
    order = an_order(books.hub, agency, portal, amount=amount)
    hear(books.hub, confirmation(order["reference"], amount, bank_transaction_id=transaction))
    return order


def a_night(books: Books, day: date = DAY) -> dict[str, int]:
    """The whole night of one bank and one agency; the numbers of the runs by scope."""
    numbers = {}
    for scope in (BANK, AGENCY, MONEY):
        try:
            numbers[str(scope)] = collect_and_reconcile(books, scope=scope, day=day)
        except BankUnavailable:
            numbers[str(scope)] = 0
    return numbers


def found(books: Books, run: int) -> dict[str, str]:
    """Case and kind of everything that the run found."""
    return _kinds(books, f"SELECT case_key, kind FROM finding WHERE run_id = {run}")


def live(books: Books) -> dict[str, str]:
    """Case and kind of everything that still asks for somebody's work."""
    return _kinds(books, "SELECT case_key, kind FROM discrepancy WHERE state IN ('OPEN', 'PROPOSED')")


def rows(books: Books, query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with books.hub.transaction() as session:
        return [tuple(row) for row in session.execute(text(query))]


def _kinds(books: Books, query: str) -> dict[str, str]:
    return dict(rows(books, query))
