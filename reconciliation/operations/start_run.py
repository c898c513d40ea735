"""Start a run by hand."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.day import business_day
from payment_hub.domain.errors import AgencyNotFound, Malformed
from payment_hub.domain.keys import Caller
from reconciliation.books import Books
from reconciliation.domain.scope import Scope, agency_scope
from reconciliation.domain.views import RunView
from reconciliation.operations.collect_and_reconcile import collect_and_reconcile
from reconciliation.operations.show_run import show_run


def start_run(books: Books, *, caller: Caller, scope: Scope, day: date) -> RunView:
    """The run with the result. Who is bound to an agency may only compare this agency's ledger.

    Raises Malformed for a day that has not begun; AgencyNotFound, BankNotFound, BankUnavailable, RunUnderWay.
    """
    if day > business_day(books.now()):
        raise Malformed("the day has not begun", pointers={"/day": "Must not be in the future."})
    if caller.agency_code is not None and scope != agency_scope(caller.agency_code):
        raise AgencyNotFound(str(scope))
    run = collect_and_reconcile(books, scope=scope, day=day, by=caller.name)
    return show_run(books, caller=caller, run=run)
