"""Asking a JSON object for what must be in it.

Whatever is not exactly so is Malformed, and names the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from payment_hub.domain.errors import Malformed
from payment_hub.domain.strict_json import read_json

Fields = Mapping[str, object]

_LONGEST: Final = 500


def read_object(body: bytes, *, decimals_as_text: bool = False) -> Fields:
    """The JSON object in ``body``. Raises Malformed."""
    return an_object(read_json(body, decimals_as_text=decimals_as_text))


def an_object(value: object) -> Fields:
    """``value`` as an object. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed("a JSON object is needed")
    return value


def text(fields: Fields, name: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str:
    """The text in ``name`` that matches ``pattern`` whole. Raises Malformed when absent or otherwise."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST or not re.fullmatch(pattern, value, re.ASCII):
        raise Malformed(f"{name} is missing or not as it must be")
    return value


def text_or_none(fields: Fields, name: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str | None:
    """As ``text``, but None when ``name`` is absent, null or empty."""
    return None if fields.get(name) in (None, "") else text(fields, name, pattern)


def whole(fields: Fields, name: str) -> int:
    """The whole number in ``name``. Raises Malformed for text, truth values and decimals."""
    value = fields.get(name)
    if type(value) is not int:
        raise Malformed(f"{name} is missing or not a whole number")
    return value
