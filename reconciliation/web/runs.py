"""Runs: start one, look at them, take their report along."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.domain import errors
from payment_hub.domain.access import Scope as KeyScope
from payment_hub.domain.paging import Page
from payment_hub.web.api.answers import answer, answer_text
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource
from reconciliation.current import current_books
from reconciliation.domain.errors import RunUnderWay
from reconciliation.domain.runs import RunState, Scope
from reconciliation.domain.views import ReportView, RunView
from reconciliation.operations.runs import export_report, list_runs, show_run, start_run
from reconciliation.web.schemas import RunQuery, RunRequest

blueprint: Final = Resource(
    "reconciliation-runs", __name__, description="One comparison of two books for one day, numbered and kept."
)

_ONE: Final = "/reconciliation/runs/<int(min=1, max=999999999999999):number>"


@blueprint.serve(
    Endpoint(
        "POST",
        "/reconciliation/runs",
        scope=KeyScope.RECONCILIATION_RUN,
        takes=RunRequest,
        gives=RunView,
        refuses=(errors.AgencyNotFound, errors.BankNotFound, errors.BankUnavailable, RunUnderWay),
    )
)
def start(body: dict[str, Any]) -> Response:
    """Collect the other side's file of a day, and compare

    When nothing has changed since an earlier run, that run is the answer.
    """
    scope = Scope.parse(body["scope"])
    return answer(start_run(current_books(), caller=current_caller(), scope=scope, day=body["day"]))


@blueprint.serve(
    Endpoint(
        "GET",
        "/reconciliation/runs",
        scope=KeyScope.RECONCILIATION_READ,
        query=RunQuery,
        gives=Page[RunView],
        consistency=EVENTUAL,
    )
)
def list_(query: dict[str, Any]) -> Response:
    """List runs, newest first

    An agency sees the runs over its own ledger.
    """
    state = query.pop("state", None)
    page = list_runs(current_books(), caller=current_caller(), state=state and RunState(state), **query)
    return answer(page)


@blueprint.serve(
    Endpoint("GET", _ONE, scope=KeyScope.RECONCILIATION_READ, gives=RunView, refuses=(errors.RunNotFound,))
)
def show(number: int) -> Response:
    """Show a run with its control totals"""
    return answer(show_run(current_books(), caller=current_caller(), run=number))


@blueprint.serve(
    Endpoint(
        "GET",
        f"{_ONE}/report",
        scope=KeyScope.RECONCILIATION_READ,
        gives=ReportView,
        refuses=(errors.RunNotFound,),
    )
)
def report(number: int) -> Response:
    """Show a run's report"""
    return answer_text(export_report(current_books(), caller=current_caller(), run=number, form="json"))
