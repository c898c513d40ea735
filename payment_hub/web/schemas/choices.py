"""Shapes of the banks between which a payer chooses, and of payments of which no bank has told the outcome."""

from __future__ import annotations

from marshmallow import fields, validate

from payment_hub.domain.bank_choice import Reason, Rule
from payment_hub.domain.bank_profile import Way
from payment_hub.domain.bank_terms import Bearer
from payment_hub.domain.payment_attempt import AttemptState, Told
from payment_hub.web.schemas.fields import Shown
from payment_hub.web.schemas.parts import MoneySchema, PageQuery, moment, page_of, words


class SentenceSchema(Shown):
    """One thing said in both languages."""

    vi = fields.String(required=True)
    en = fields.String(required=True)


class OptionSchema(Shown):
    """One bank, offered or not."""

    bank = fields.String(required=True)
    offered = fields.Boolean(required=True)
    reason = words(Reason, required=True, allow_none=True)
    until = moment(required=True, allow_none=True)
    why = fields.Nested(SentenceSchema, required=True, allow_none=True)
    fee = fields.Nested(MoneySchema, required=True)
    fee_borne_by = words(Bearer, required=True)
    settles_on = fields.String(
        required=True,
        metadata={"format": "date", "description": "When the money is handed over if it is paid now"},
    )
    ways = fields.List(words(Way), required=True)


class OptionsSchema(Shown):
    """Every enabled bank for one order at one moment, and the one that is chosen if none is named."""

    order = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    as_of = moment(required=True)
    chosen = fields.String(required=True, allow_none=True)
    rule = words(Rule, required=True)
    why = fields.Nested(SentenceSchema, required=True)
    items = fields.List(fields.Nested(OptionSchema), required=True)


class UnknownQuery(PageQuery):
    """Which part of the list is wanted."""

    which = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "overdue"]),
        metadata={"description": "`overdue`: only those that lie before an officer"},
    )


class UnknownSchema(Shown):
    """One attempt whose outcome is unknown, or that its bank calls paid without proof."""

    reference = fields.String(required=True)
    order = fields.String(required=True)
    agency = fields.String(required=True)
    bank = fields.String(required=True)
    state = words(AttemptState, required=True)
    told = words(Told, required=True, allow_none=True)
    amount = fields.Nested(MoneySchema, required=True)
    asked = fields.Integer(required=True, metadata={"description": "How often the bank was asked"})
    unknown_at = moment(required=True)
    known_by = moment(required=True, allow_none=True)
    officer_since = moment(required=True, allow_none=True)


UnknownPageSchema = page_of(UnknownSchema)
