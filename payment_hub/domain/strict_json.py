"""Strict JSON: two readers of the same bytes must never read different values.

RFC 8259 leaves open what duplicate names, huge numbers, deep nesting and lone surrogates mean, and Python's
reader also accepts ``NaN``. All of these are refused here, so that the signed, the checked and the stored value are the
same.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from payment_hub.domain.errors import MalformedBody

#: More digits than any amount, count or timestamp needs; Python itself gives up at 4,300.
MAX_DIGITS: Final = 20

_STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def read_json(body: bytes, *, max_depth: int = 32, decimals_as_text: bool = False) -> object:
    """Read UTF-8 JSON text; whole numbers become int and nothing ever becomes a float.

    ``decimals_as_text`` keeps a number with a point or an exponent as the ``str`` that was written; without
    it such a number is refused. Raises MalformedBody for everything ambiguous.
    """
    _require_shallow(body, max_depth)
    try:
        text = body.decode("utf-8")
        value: object = (_WITH_DECIMALS if decimals_as_text else _WHOLE_NUMBERS).decode(text)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedBody(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    if b"\\u" in body:  # an escape is the only way in for a NUL or half a character
        _require_text(value)
    return value


def _require_shallow(body: bytes, max_depth: int) -> None:
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
        if depth > max_depth:
            raise MalformedBody(f"nested more than {max_depth} deep at byte {token.start()}")


def _require_text(value: object) -> None:
    if isinstance(value, str):
        if _NOT_TEXT.search(value):
            raise MalformedBody("a string has a NUL or half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _require_text(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _require_text(name)
            _require_text(item)


def _one_of_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedBody(f"the name {twice[:40]!a} stands twice in one object")
    return members


def _whole(literal: str) -> int:
    _require_short(literal)
    return int(literal)


def _as_written(literal: str) -> str:
    _require_short(literal)
    return literal


def _require_short(literal: str) -> None:
    if len(literal) > MAX_DIGITS and sum(character.isdigit() for character in literal) > MAX_DIGITS:
        raise MalformedBody(f"a number has more than {MAX_DIGITS} digits")


def _no_decimal(literal: str) -> NoReturn:
    raise MalformedBody(f"{literal[:40]} is not written as a whole number")


def _no_constant(literal: str) -> NoReturn:
    raise MalformedBody(f"{literal} is not JSON")


_WHOLE_NUMBERS: Final = json.JSONDecoder(
    object_pairs_hook=_one_of_each, parse_int=_whole, parse_float=_no_decimal, parse_constant=_no_constant
)
_WITH_DECIMALS: Final = json.JSONDecoder(
    object_pairs_hook=_one_of_each, parse_int=_whole, parse_float=_as_written, parse_constant=_no_constant
)
