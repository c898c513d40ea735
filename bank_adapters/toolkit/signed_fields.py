"""Named fields in a row, as many Vietnamese rails sign them: read from a raw query, written canonically."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from payment_hub.domain.errors import CallbackRejected

_LONGEST: Final = 8192
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def read_query(query: bytes) -> dict[str, str]:
    """The fields of a raw query or form body.

    Raises CallbackRejected for a repeated name, a name without ``=``, and whatever is not plainly percent-
    encoded UTF-8: none of it is what the bank signed.
    """
    if len(query) > _LONGEST or not query.isascii():
        raise CallbackRejected
    fields: dict[str, str] = {}
    for pair in query.decode("ascii").split("&"):
        name, equals, value = pair.partition("=")
        if not equals or name in fields or not _NAME.fullmatch(name):
            raise CallbackRejected
        try:
            fields[name] = unquote_plus(value, errors="strict")
        except UnicodeDecodeError as error:
            raise CallbackRejected from error
    return fields


def form_encoded(fields: Iterable[tuple[str, str]]) -> str:
    """``name=value`` joined with ``&``, encoded as HTML forms are (a space is ``+``), in the order given."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields)


def sorted_and_filled(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields that have a value, in the order of their names."""
    return sorted((name, value) for name, value in fields.items() if value)


def joined(fields: Mapping[str, object], names: Iterable[str], prefix: str = "") -> str:
    """The values of ``prefix + name`` with ``|`` between them; one that is absent keeps its place.

    Raises CallbackRejected for a value that is neither text nor a whole number, or that holds a ``|``
    itself: then the same string could be cut in two ways.
    """
    slots = [as_signed(fields.get(prefix + name)) for name in names]
    if any("|" in value for value in slots):
        raise CallbackRejected
    return "|".join(slots)


def as_signed(value: object) -> str:
    """A JSON value as banks hash it: text and whole numbers as they are, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise CallbackRejected
