"""Order references: 16 characters that sort by time, survive a telephone call and fit a bank's purpose field.

``DV`` + 8 characters of milliseconds since 2020 + 5 of chance + 1 check character, in Crockford's base 32 (no I, L, O,
U). The check character is a weighted sum in the field of 32 elements: it catches every single wrong character and every
two characters exchanged.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Final

from payment_hub.domain.errors import MalformedReference

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX: Final = "DV"
REFUND_PREFIX: Final = "RF"
LENGTH: Final = 16
CHANCE_BITS: Final = 25

_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SPOKEN: Final = str.maketrans("OIL", "011", " -.")
_IN_TEXT: Final = re.compile(rf"(?=((?:{PREFIX}|{REFUND_PREFIX})[{ALPHABET}]{{14}}))", re.ASCII)


def new_reference(moment: datetime, chance: int) -> str:
    """The reference of an order issued at ``moment``; ``chance`` is 25 random bits. Good until the year 2054."""
    milliseconds = int((moment - _EPOCH).total_seconds() * 1000)
    number = milliseconds << CHANCE_BITS | chance & (1 << CHANCE_BITS) - 1
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))
    return PREFIX + body + _check(body)


def new_refund_reference(moment: datetime, chance: int) -> str:
    """The reference of a refund, built as an order's, under a prefix of its own."""
    return REFUND_PREFIX + new_reference(moment, chance)[len(PREFIX) :]


def parse_reference(text: str) -> str:
    """The canonical reference in ``text`` as a person may write it: any case, spaces, dashes, O for 0, I or L for 1.

    Raises MalformedReference when it is not one of ours.
    """
    if not text.isascii() or len(text) > 40:
        raise MalformedReference("not a payment order reference")
    plain = text.upper().translate(_SPOKEN)
    if len(plain) != LENGTH or not plain.startswith(PREFIX) or any(c not in _VALUE for c in plain):
        raise MalformedReference("not a payment order reference")
    if _check(plain[2:-1]) != plain[-1]:
        raise MalformedReference(
            "the check character does not fit: one character is wrong, or two are exchanged"
        )
    return plain


def find_reference(text: str, prefix: str = PREFIX) -> str | None:
    """The genuine reference anywhere in a free text such as a transfer's purpose, if there is just one.

    ``prefix`` says of what: an order, or with ``REFUND_PREFIX`` a refund.
    """
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    ours = (m[1] for m in _IN_TEXT.finditer(plain) if m[1].startswith(prefix))
    found = {one for one in ours if _check(one[2:-1]) == one[-1]}
    return found.pop() if len(found) == 1 else None


def spoken(reference: str) -> str:
    """The reference in groups of four, as it is printed and read aloud."""
    return " ".join(reference[i : i + 4] for i in range(0, LENGTH, 4))


def _check(body: str) -> str:
    total, weight = 0, 1
    for character in body:
        weight = _double(weight)
        total ^= _times(weight, _VALUE[character])
    return ALPHABET[total]


@cache
def _double(element: int) -> int:
    """Multiply by x in GF(32) = GF(2)[x] / (x^5 + x^2 + 1), whose powers of x are all 31 non-zero elements."""
    element <<= 1
    return element ^ 0b100101 if element & 32 else element


@cache
def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = _double(a), b >> 1
    return product
