"""Steps of a night that many tests take, and questions about what came of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text

from payment_hub.domain.access import USUAL_SCOPES, Caller, Role
from payment_hub.domain.errors import BankUnavailable
from reconciliation.books import Books
from reconciliation.domain.runs import MONEY, agency_scope, bank_scope
from reconciliation.operations.runs import collect_and_reconcile
from tests.reconciliation.stubs import DAY
from tests.worlds.orders import an_order, confirmation, receive

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
    receive(books.hub, confirmation(order["reference"], amount, bank_transaction_id=transaction))
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


def empty(books: Books) -> None:
    """Begin anew within one test: every table empty, every number from 1."""
    with books.hub.engine.begin() as connection:
        named = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = ", ".join(name for name in named if name != "alembic_version")
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


def end_state(books: Books) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that must not depend on the way in which it came about: no keys, no moments, no failed runs."""
    return {name: rows(books, query) for name, query in END_STATE.items()}


END_STATE = {
    "orders": "SELECT reference, status, received, late, held FROM payment_order ORDER BY 1",
    "collections": "SELECT bank_transaction_id, amount, currency, day, order_id IS NULL FROM collection ORDER BY 1",
    "postings": "SELECT debit, credit, currency, sum(amount)::bigint FROM posting GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "lines": "SELECT bank_transaction_id, day, amount, movement, occurrence FROM statement_line ORDER BY 1, 2, 3, 4, 5",
    "moved again": "SELECT bank_transaction_id, count(*) FROM statement_line WHERE repeated GROUP BY 1 ORDER BY 1",
    "entries": "SELECT case_key, day, amount, entry_number FROM ledger_entry ORDER BY 1, 2, 3, 4",
    "live": "SELECT scope, case_key, kind FROM discrepancy WHERE state IN ('OPEN', 'PROPOSED') ORDER BY 1, 2",
    "last totals": """
        SELECT DISTINCT ON (scope, day) scope, day, totals::text, (
            SELECT string_agg(concat_ws(' ', case_key, kind, hub_amount, other_amount), ', ' ORDER BY case_key)
            FROM finding WHERE run_id = r.id)
        FROM reconciliation_run r WHERE state = 'COMMITTED' ORDER BY scope, day, id DESC""",
    "unfinished": "SELECT scope, day FROM reconciliation_run WHERE state IN ('PLANNED', 'RUNNING') ORDER BY 1, 2",
}


def _kinds(books: Books, query: str) -> dict[str, str]:
    return dict(rows(books, query))
