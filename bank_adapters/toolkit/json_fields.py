"""Asking a JSON object for what must be in it.

Whatever is not exactly so is Malformed, and names the field.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from functools import cache
from typing import Final

from payment_hub.domain.errors import Malformed
from payment_hub.domain.strict_json import read_json

Fields = Mapping[str, object]

_LONGEST: Final = 2000


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Each pattern is a word of some adapter's: there are few, and they are asked for all day."""
    return re.compile(pattern, re.ASCII)


def read_object(body: bytes, *, decimals_as_text: bool = False) -> Fields:
    """The JSON object in ``body``, before which some writers put a byte order mark. Raises Malformed."""
    return an_object(read_json(body.removeprefix(BOM_UTF8), decimals_as_text=decimals_as_text))


def an_object(value: object) -> Fields:
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
