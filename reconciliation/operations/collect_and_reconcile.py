"""One task of the night: collect what the other side has left, then compare."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.errors import BankUnavailable
from reconciliation.books import Books
from reconciliation.domain.scope import Scope, Side
from reconciliation.operations.collect_ledgers import collect_ledgers
from reconciliation.operations.collect_statement import collect_statement
from reconciliation.operations.reconcile_day import reconcile_day


def collect_and_reconcile(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run with the result.

    The run reports a bank without a statement; then BankUnavailable is raised, so that the bank is asked again.
    """
    if scope.side is Side.AGENCY:
        collect_ledgers(books, day=day, agency=scope.code)
    if scope.side is not Side.BANK:
        return reconcile_day(books, scope=scope, day=day, by=by)
    try:
        collect_statement(books, bank=scope.code, day=day)
    except BankUnavailable:
        reconcile_day(books, scope=scope, day=day, by=by)
        raise
    return reconcile_day(books, scope=scope, day=day, by=by)
