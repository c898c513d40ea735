"""Compare two books for one day, and write down what does not agree."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from payment_hub.domain.errors import HubError
from reconciliation.books import Books
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.run import run_key
from reconciliation.domain.scope import Scope
from reconciliation.domain.totals import Line, control_totals, require_balance
from reconciliation.store import comparison, findings, parties, runs

_REASON_LENGTH: Final = 500


def reconcile_day(books: Books, *, scope: Scope, day: date, by: str = "clock") -> int:
    """The number of the run that has the result: a new one, or the earlier one if nothing has changed since.

    Collects nothing: the files must be here. Raises AgencyNotFound, BankNotFound, RunUnderWay; whatever else goes
    wrong is kept as the run's reason, and raised.
    """
    agency, run = _start(books, scope, day, by)
    started_at = run[1]
    try:
        with books.hub.transaction() as session:
            comparison.one_moment(session)
            if not runs.hold(session, run=run[0], started_at=started_at):
                raise LeaseLost(f"run {run[0]}")
            return _compare(books, session, run[0], scope, agency, day)
    except Exception as error:
        with books.hub.transaction() as session:
            runs.fail(session, run=run[0], reason=_reason(error), at=books.now())
        raise
