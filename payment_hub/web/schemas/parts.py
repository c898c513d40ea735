"""Shapes that recur: amounts, pages, words of the domain."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from payment_hub.web.schemas.fields import Shown, Strict, TextField, WholeNumber


class MoneySchema(Strict):
    """An exact amount."""

    amount = fields.String(
        required=True,
        metadata={
            "description": "Plain digits, in whole dong",
            "example": "150000",
            "pattern": "^(0|[1-9][0-9]*)$",
        },
    )
    currency = fields.String(required=True, metadata={"enum": ["VND"], "example": "VND"})


class SignedMoneySchema(Shown):
    """An exact amount that may be negative."""

    amount = fields.String(required=True, metadata={"example": "-150000", "pattern": "^(0|-?[1-9][0-9]*)$"})
    currency = fields.String(required=True, metadata={"enum": ["VND"], "example": "VND"})


class NothingSchema(Strict):
    """No content: an empty body, or an empty object."""


class ReasonSchema(Strict):
    """Why something is done; it is kept with what was done."""

    reason = TextField(500, required=True, metadata={"example": "Registered twice"})


class PageQuery(Strict):
    """Which part of a list is wanted."""

    after = TextField(200, metadata={"description": "`next` of the page before"})
    limit = WholeNumber(
        1, 500, in_query=True, load_default=50, metadata={"description": "At most this many items"}
    )


def moment(**options: Any) -> fields.String:
    """A moment in an answer: UTC, milliseconds, ``Z``."""
    return fields.String(metadata={"format": "date-time", "example": "2026-03-02T03:00:00.000Z"}, **options)


def words(enumeration: Any, **options: Any) -> fields.String:
    """One of an enumeration's words. More words may be added later: treat an unknown one as "something else"."""
    known: list[str | None] = [str(word) for word in enumeration]
    if options.get("allow_none"):
        known.append(None)
    return fields.String(metadata={"enum": known}, **options)


def page_of(item: type[Schema]) -> type[Schema]:
    """The shape of a page of ``item``."""
    name = item.__name__.removesuffix("Schema")
    return Shown.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.String(
                required=True,
                allow_none=True,
                metadata={"description": "Send it as `after` for the next page; null at the end"},
            ),
        },
        name=f"{name}PageSchema",
    )
