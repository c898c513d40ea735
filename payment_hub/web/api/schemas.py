"""The OpenAPI schema of an answer, from the dataclass that the answer is made of: nothing is declared twice."""

from __future__ import annotations

import collections.abc
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from marshmallow import EXCLUDE, Schema, fields

from payment_hub.domain.messages import Message
from payment_hub.domain.money import Money
from payment_hub.domain.wire import Shown, shown_fields
from payment_hub.web.api.fields import MoneySchema
from payment_hub.web.texts import LANGUAGES

_PLAIN: Final[Mapping[Any, tuple[type[fields.Field[Any]], dict[str, str]]]] = {
    str: (fields.String, {}),
    int: (fields.Integer, {}),
    bool: (fields.Boolean, {}),
    datetime: (fields.String, {"format": "date-time", "example": "2026-03-02T03:00:00.000Z"}),
    date: (fields.String, {"format": "date"}),
}


class Answer(Schema):
    """The shape of an answer. Fields may be added to it at any time."""

    class Meta:
        """Marshmallow's options."""

        unknown = EXCLUDE


class SignedMoneySchema(Answer):
    """An exact amount that may be negative."""

    amount = fields.String(required=True, metadata={"example": "-150000", "pattern": "^(0|-?[1-9][0-9]*)$"})
    currency = fields.String(required=True, metadata={"enum": ["VND"], "example": "VND"})


_SENTENCE: Final = Answer.from_dict(
    {language: fields.String(required=True) for language in LANGUAGES}, name="SentenceSchema"
)


@cache
def schema_of(view: Any) -> type[Schema]:
    """The schema of a view, or of a ``Page`` of views. Raises TypeError for a field that has no form in JSON."""
    names = [*get_args(view), get_origin(view) or view]
    return Answer.from_dict(
        _fields(view), name="".join(each.__name__.removesuffix("View") for each in names) + "Schema"
    )


def _fields(view: Any) -> dict[str, fields.Field[Any]]:
    declared: dict[str, fields.Field[Any]] = {}
    for _, name, declared_kind, how in shown_fields(get_origin(view) or view):
        generic = getattr(declared_kind, "__parameters__", ())
        kind = declared_kind[get_args(view)] if generic else declared_kind
        declared |= _fields(kind) if how.flat else {name: _field(kind, how)}
    return declared


def _field(kind: Any, how: Shown) -> fields.Field[Any]:
    nullable = get_origin(kind) in (Union, UnionType)
    if nullable:
        kind = next(arm for arm in get_args(kind) if arm is not NoneType)
    notes = {name: text for name in ("description", "example") if (text := getattr(how, name))}
    options: dict[str, Any] = {"required": not how.optional, "allow_none": nullable and not how.optional}
    schema = _schema(kind, how)
    if schema is not None:
        return fields.Nested(schema, metadata=notes, **options)
    if kind in _PLAIN:
        field, form = _PLAIN[kind]
        return field(metadata=form | notes, **options)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        members = [*(str(word) for word in kind), *[None] * nullable]
        return fields.String(metadata={"enum": members} | notes, **options)
    inner = get_args(kind)
    if get_origin(kind) is collections.abc.Mapping:
        keys, values = (None if arm is Any else _field(arm, Shown()) for arm in inner)
        return fields.Dict(keys if values else None, values, metadata=notes, **options)
    if get_origin(kind) in (tuple, collections.abc.Sequence):
        return fields.List(_field(how.shape or inner[0], Shown()), metadata=notes, **options)
    raise TypeError(f"{kind} has no form in JSON")


def _schema(kind: Any, how: Shown) -> type[Schema] | None:
    """The schema of a value that is an object with names of its own."""
    if kind is Money:
        return SignedMoneySchema if how.signed else MoneySchema
    if kind is Message:
        return _SENTENCE
    view: Any = how.shape if get_origin(kind) is collections.abc.Mapping else kind
    has_fields = is_dataclass(view)
    return schema_of(view) if has_fields else None
