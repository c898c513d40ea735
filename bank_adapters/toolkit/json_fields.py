"""JSON objects from banks: typed reading of their fields, and the text that JavaScript would write of them.

A field that is not exactly as it must be is Malformed, and is named. Banks that sign the text of ``JSON.stringify``
sign their text, not the bytes that we got; it is written again here, and only the signature proves that it is the same.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote

from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.strict_json import read_json

Fields = Mapping[str, object]

_LONGEST: Final = 2000


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The patterns are constants of the adapters: there are few, and they are used all day."""
    return re.compile(pattern, re.ASCII)


def read_object(body: bytes, *, decimals_as_text: bool = False) -> Fields:
    """The JSON object in ``body``, before which some writers put a byte order mark. Raises Malformed."""
    return as_object(read_json(body.removeprefix(BOM_UTF8), decimals_as_text=decimals_as_text))


def as_object(value: object) -> Fields:
    """``value`` as an object. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed("a JSON object is needed")
    return value


def text(fields: Fields, name: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str:
    """The text in ``name`` that matches ``pattern`` whole. Raises Malformed when absent or otherwise."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST or not _compiled(pattern).fullmatch(value):
        raise Malformed(f"{name} is missing or not as it must be")
    return value


def text_or_none(fields: Fields, name: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str | None:
    """As ``text``, but None when ``name`` is absent, null or empty."""
    return None if fields.get(name) in (None, "") else text(fields, name, pattern)


def written(fields: Fields, name: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str:
    """As ``text``, for a value that may also be written as a whole number."""
    value = fields.get(name)
    return text({name: str(value)} if type(value) is int else fields, name, pattern)


def whole(fields: Fields, name: str) -> int:
    """The whole number in ``name``. Raises Malformed for text, truth values and decimals."""
    value = fields.get(name)
    if type(value) is not int:
        raise Malformed(f"{name} is missing or not a whole number")
    return value


def read_unverified(body: bytes) -> Fields:
    """The fields of ``body``, not yet verified; numbers with a point stay the text that was written.

    Raises CallbackRejected for what is no JSON object: nobody has signed it.
    """
    try:
        return read_object(body, decimals_as_text=True)
    except Malformed as error:
        raise CallbackRejected from error


#: Above this JavaScript rounds whole numbers.
LARGEST_WHOLE: Final = 2**53 - 1

#: A number with a point, apart from the zeros at its end.
_DECIMAL: Final = re.compile(r"(-?[0-9]+)\.([0-9]*?)0*", re.ASCII)

#: What ends a name or a field in a row.
_BETWEEN_FIELDS: Final = re.compile("[&=]")

#: What ``encodeURIComponent`` leaves alone and Python does not.
_UNQUOTED: Final = "!~*'()"


#: JSON without spaces, names sorted. It knows no `Number`.
_COMPACT: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is not whole, as JavaScript writes it: never calculated with."""

    written: str


def read_fields(body: bytes) -> Fields:
    """The JSON object in ``body``. ``1.50`` is the `Number` 1.5, and ``2.0`` is 2: JavaScript knows no difference.

    Raises CallbackRejected: what cannot be read without doubt cannot be what was signed.
    """
    try:
        return read_object(body)
    except Malformed:
        return _read_with_numbers(body)


def stringified(value: object) -> str:
    """The compact text of ``value``, the names of every object in it sorted."""
    try:
        return _COMPACT(value)
    except TypeError:
        return _with_numbers(value)


def raw_row(fields: Fields) -> str:
    """``name=value`` joined with ``&`` in the order of names: not encoded, null as nothing, lists and objects as JSON.

    Raises CallbackRejected where the row could be cut in two ways: where a value looks like another of the fields.
    """
    row = "&".join([f"{name}={_raw(fields[name])}" for name in sorted(fields)])
    if _BETWEEN_FIELDS.search("".join(fields)) or (
        row.count("&") >= len(fields) and _is_ambiguous(row, fields)
    ):
        raise CallbackRejected
    return row


def encoded_row(fields: Fields) -> str:
    """The same with names and values as ``encodeURIComponent`` writes them, where nothing can be cut in two ways."""
    return "&".join(f"{_encoded(name)}={_encoded(_plain(fields[name]))}" for name in sorted(fields))


def _read_with_numbers(body: bytes) -> Fields:
    try:
        read_json(body, decimals_as_text=True)  # whatever two readers could see differently is refused here
        return as_object(json.loads(body, parse_float=_number))
    except Malformed as error:
        raise CallbackRejected from error


def _number(written: str) -> int | Number:
    match = _DECIMAL.fullmatch(written)
    if match is None:  # an exponent: for nothing that is counted in money
        return Number(written)
    return Number(f"{match[1]}.{match[2]}") if match[2] else int(match[1])


def _with_numbers(value: object) -> str:
    if isinstance(value, dict):
        members = [f"{_COMPACT(name)}:{_with_numbers(value[name])}" for name in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_with_numbers, value)) + "]"
    return value.written if isinstance(value, Number) else _COMPACT(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else stringified(value)


def _raw(value: object) -> str:
    return _plain(value) if value not in ("null", "undefined") else ""


def _is_ambiguous(row: str, names: Iterable[str]) -> bool:
    return any(f"&{row}".count(f"&{name}=") != 1 for name in names)


def _encoded(text: str) -> str:
    return quote(text, safe=_UNQUOTED)
