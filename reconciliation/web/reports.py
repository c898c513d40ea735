"""A run's report as a file for the officer's spreadsheet."""

from __future__ import annotations

from typing import Final

from flask import Response

from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.resource import Endpoint, Resource
from reconciliation.current import current_books
from reconciliation.operations.runs import export_report

blueprint: Final = Resource("reconciliation-reports", __name__, description="A run's report as a file.")


@blueprint.serve(
    Endpoint(
        "GET",
        "/reconciliation/runs/<int(min=1, max=999999999999999):number>/report.csv",
        scope=Scope.RECONCILIATION_READ,
        content_type="text/csv",
        refuses=(errors.RunNotFound,),
    )
)
def download(number: int) -> Response:
    """Take a run's report along

    CSV in UTF-8, with no cell that a spreadsheet would run.
    """
    text = export_report(current_books(), caller=current_caller(), run=number)
    answer = Response(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="run-{number}.csv"'
    return answer
