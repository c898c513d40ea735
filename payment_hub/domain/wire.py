"""An answer is declared once, as a frozen dataclass: its JSON is made here, its OpenAPI schema in ``web/api``.

A field is shown under its own name, in the form of its type: an amount as text beside its currency, a moment in UTC to
the millisecond, a day as an ISO date. ``Annotated[..., Shown(...)]`` says what the type does not; a property is shown
when its type is annotated so.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache, singledispatch
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from payment_hub.domain.money import Money


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field is shown, beyond what its type says."""

    name: str | None = None
    """In JSON, where it differs from the attribute."""
    description: str | None = None
    example: str | None = None
    hidden: bool = False
    """The field never leaves the hub."""
    optional: bool = False
    """A field without a value is left out, rather than null."""
    signed: bool = False
    """The amount may be negative."""
    flat: bool = False
    """The fields of the value stand beside the others, not below a name of their own."""
    shape: type[Any] | None = None
    """Of stored JSON: the dataclass that it, or each of its items, was made from."""


class ShownField(NamedTuple):
    """One field of an answer."""

    attribute: str
    name: str
    type: Any
    how: Shown


@cache
def shown_fields(view: type[Any]) -> tuple[ShownField, ...]:
    """The fields of an answer in the order of their declaration, then its shown properties."""
    hints = get_type_hints(view, include_extras=True)
    declared = {field.name: hints[field.name] for field in fields(view)}
    for name, member in inspect.getmembers_static(view, lambda member: isinstance(member, property)):
        returned = get_type_hints(member.fget, include_extras=True).get("return")
        if get_origin(returned) is Annotated:
            declared[name] = returned
    shown = []
    for attribute, annotated in declared.items():
        kind, how = get_args(annotated) if get_origin(annotated) is Annotated else (annotated, Shown())
        if not how.hidden:
            shown.append(ShownField(attribute, how.name or attribute, kind, how))
    return tuple(shown)


def to_wire(view: Any) -> dict[str, Any]:
    """An answer as JSON has it. Raises TypeError for a type that has no form there."""
    wire: dict[str, Any] = {}
    for attribute, name, _, how in shown_fields(view.__class__):
        value = getattr(view, attribute)
        if how.flat:
            wire |= form_of(value)
        elif value is not None or not how.optional:
            wire[name] = form_of(value)
    return wire


@singledispatch
def form_of(value: object) -> Any:
    """The value of a field as JSON has it. Raises TypeError for a type without a form; more types may be registered."""
    if is_dataclass(value):
        return to_wire(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@form_of.register(str)
@form_of.register(int)
@form_of.register(NoneType)
def _plain(value: Any) -> Any:
    return value


@form_of.register
def _money(amount: Money) -> dict[str, str]:
    return {"amount": str(amount), "currency": amount.currency}


@form_of.register
def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@form_of.register
def _day(day: date) -> str:
    return day.isoformat()


@form_of.register(Mapping)
def _mapping(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): form_of(inner) for key, inner in mapping.items()}


@form_of.register(tuple)
@form_of.register(list)
def _sequence(items: Any) -> list[Any]:
    return [form_of(item) for item in items]
