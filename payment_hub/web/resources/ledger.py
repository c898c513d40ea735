"""Shapes of the books.

The door to the books.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import ValidationError, fields, validates_schema

from payment_hub.current import current_hub
from payment_hub.domain.access import Scope
from payment_hub.domain.ledger import Account
from payment_hub.operations.ledger import trial_balance
from payment_hub.web.api.answers import answer_text, as_text
from payment_hub.web.api.auth import current_caller
from payment_hub.web.api.fields import (
    AGENCY_CODE,
    BANK_NAME,
    DayField,
    MoneySchema,
    Shown,
    SignedMoneySchema,
    Strict,
    TextField,
    words,
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
    def _at_most_a_year(self, asked: dict[str, Any], **_: Any) -> None:
        days = (asked["day_to"] - asked["day_from"]).days
        if not 0 <= days < MOST_DAYS:
            raise ValidationError(f"Must be within {MOST_DAYS} days from day_from.", "day_to")


class BalanceLineSchema(Shown):
    """What moved in one account on one business day."""

    day = fields.String(required=True, metadata={"format": "date"})
    account = words(Account, required=True)
    agency = fields.String(required=True, allow_none=True)
    bank = fields.String(required=True, allow_none=True)
    debit = fields.Nested(MoneySchema, required=True)
    credit = fields.Nested(MoneySchema, required=True)
    balance = fields.Nested(SignedMoneySchema, required=True, metadata={"description": "debit less credit"})


class TrialBalanceSchema(Shown):
    """Every line that the caller may see."""

    items = fields.List(fields.Nested(BalanceLineSchema), required=True)


blueprint: Final = Resource("ledger", __name__, description="Double entry, append-only.")


@blueprint.serve(
    Endpoint(
        "GET",
        "/ledger/trial-balance",
        scope=Scope.LEDGER_READ,
        asks=BalanceQuery,
        gives=TrialBalanceSchema,
        consistency=EVENTUAL,
    )
)
def balance(asked: dict[str, Any]) -> Response:
    """Show the trial balance by account, agency, bank and day

    Debits and credits sum to the same over all lines of one currency. An agency sees the lines that bear its name.
    """
    lines = trial_balance(current_hub(), caller=current_caller(), **asked)
    return answer_text(as_text({"items": [line.as_wire() for line in lines]}))
