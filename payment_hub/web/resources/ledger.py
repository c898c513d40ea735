"""The trial balance, line by line."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import ValidationError, validates_schema

from payment_hub.current import current_hub
from payment_hub.domain.access import Scope
from payment_hub.domain.ledger import TrialBalance
from payment_hub.operations.ledger import trial_balance
from payment_hub.web.api.answers import answer
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    BANK_NAME,
    DayField,
    Strict,
    TextField,
)
from payment_hub.web.api.resource import EVENTUAL, Endpoint, Resource

MOST_DAYS = 366


class BalanceQuery(Strict):
    """Which days and whose lines."""

    day_from = DayField(required=True)
    day_to = DayField(required=True)
    agency = TextField(35, pattern=AGENCY_CODE)
    bank = TextField(31, pattern=BANK_NAME)

    @validates_schema
    def _at_most_a_year(self, query: dict[str, Any], **_: Any) -> None:
        days = (query["day_to"] - query["day_from"]).days
        if not 0 <= days < MOST_DAYS:
            raise ValidationError(f"Must be within {MOST_DAYS} days from day_from.", "day_to")


blueprint: Final = Resource("ledger", __name__, description="Double entry, append-only.")


@blueprint.serve(
    Endpoint(
        "GET",
        "/ledger/trial-balance",
        scope=Scope.LEDGER_READ,
        query=BalanceQuery,
        gives=TrialBalance,
        consistency=EVENTUAL,
    )
)
def balance(query: dict[str, Any]) -> Response:
    """Show the trial balance by account, agency, bank and day

    Debits and credits sum to the same over all lines of one currency. An agency sees the lines that bear its name.
    """
    lines = trial_balance(current_hub(), caller=current_caller(), **query)
    return answer(TrialBalance(lines))
