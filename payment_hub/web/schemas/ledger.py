"""Shapes of the books."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from payment_hub.domain.ledger import Account
from payment_hub.web.schemas.fields import AGENCY_CODE, BANK_NAME, DayField, Shown, Strict, TextField
from payment_hub.web.schemas.parts import MoneySchema, SignedMoneySchema, words

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
