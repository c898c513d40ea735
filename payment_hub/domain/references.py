"""References of orders and refunds: 16 characters that sort by time, are easy to dictate and fit a purpose field.

``DV`` + 8 characters of milliseconds since 2020 + 5 random ones + 1 check character, in Crockford's base 32 (no I, L,
O, U). The check character is a weighted sum in the field of 32 elements: it catches every single wrong character and
every two characters exchanged.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from payment_hub.domain.errors import MalformedReference

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX: Final = "DV"
REFUND_PREFIX: Final = "RF"
LENGTH: Final = 16
CHANCE_BITS: Final = 25

_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
#: No hub issued a reference before this day, so what names an earlier one in a bank's text is chance. A constant, for
#: it only has to lie before every hub's first order: a late one would lose money, an early one saves a little less.
FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
#: Two machines' clocks differ by seconds, and a booking may have a day and no time. A day admits hardly any chance.
SKEW: Final = timedelta(days=1)

_TIME: Final = slice(len(PREFIX), len(PREFIX) + 8)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MISTYPED: Final = str.maketrans("OIL", "011")
_SPOKEN: Final = str.maketrans("OIL", "011", " -.")
_TOKEN: Final = re.compile("[0-9A-Z]+")
_IN_TEXT: Final = re.compile(rf"(?=((?:{PREFIX}|{REFUND_PREFIX})[{ALPHABET}OIL]{{14}}))")


def new_reference(moment: datetime, chance: int) -> str:
    """The reference of an order issued at ``moment``; ``chance`` is 25 random bits. Good until the year 2054."""
    number = _milliseconds(moment) << CHANCE_BITS | chance & (1 << CHANCE_BITS) - 1
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


def find_reference(text: str, moment: datetime, prefix: str = PREFIX) -> str | None:
    """The genuine reference anywhere in a free text such as a transfer's purpose, if there is exactly one.

    ``moment`` is when the text reached us: no reference in it is younger. ``prefix`` is that of orders, or
    ``REFUND_PREFIX`` for refunds. O is read as 0, I and L as 1.

    Any 16 characters from a ``DV`` on have a fitting check character once in 32 times, and a time between the first day
    and ``moment`` once in 35 per year between them: in 2026 one in a thousand of them looks genuine, and none of those
    is an order's, of which there are a few million in 2^65. What they could do is to hide the genuine one. So of two
    that share characters, the one that the text's own spaces and stops confirm is meant. Between equals, as between
    references side by side, none is chosen; but in the middle of one long word the first is meant: a reference's own
    last characters may read ``DV``, while what stands before it hardly ever does.
    """
    chosen: list[_Candidate] = []
    for candidate in sorted(_candidates(text, moment)):
        rivals = [better for better in chosen if abs(candidate.start - better.start) < LENGTH]
        if all(rival.doubts == candidate.doubts != _IN_A_WORD for rival in rivals):
            chosen.append(candidate)
    references = {candidate.reference for candidate in chosen if candidate.reference.startswith(prefix)}
    return references.pop() if len(references) == 1 else None


def may_hold_reference(text: str) -> bool:
    """Whether ``find_reference`` could find one in ``text`` at any moment."""
    return any(True for _ in _fitting("".join(_TOKEN.findall(text.upper()))))


class _Candidate(NamedTuple):
    """Characters of a text that may be a reference; the better ones sort first."""

    doubts: int
    """0 to 2: it is in one token, and so many of its ends are inside that; 3: it is four tokens of four, as printed;
    4: it is broken in any other way.
    """
    start: int
    reference: str


#: The doubts of a candidate that is glued to others before and behind it.
_IN_A_WORD: Final = 2


def _candidates(text: str, moment: datetime) -> Iterator[_Candidate]:
    """What fits in time and in its check character, whatever stands between its characters."""
    tokens = _TOKEN.findall(text.upper())
    last = ""
    borders: list[int] = []
    for start, written, reference in _fitting("".join(tokens)):
        if not last:
            last = _time_characters(moment + SKEW)
            borders = list(accumulate(map(len, tokens), initial=0))
        if not _FIRST <= reference[_TIME] <= last:
            continue
        after, before = bisect_right(borders, start), bisect_left(borders, start + LENGTH)
        breaks = borders[after:before]
        cut = (borders[after - 1] != start) + (borders[before] != start + LENGTH)
        if not breaks:
            yield _Candidate(cut, start, reference)
        elif not cut:
            yield _Candidate(3 if breaks == [*range(start + 4, start + LENGTH, 4)] else 4, start, reference)
        elif written == reference:
            # Words that only follow each other would read as anything if their O, I and L counted, too.
            yield _Candidate(4, start, reference)


def _fitting(plain: str) -> Iterator[tuple[int, str, str]]:
    """Where in ``plain`` characters have the form of a reference and fit their check character: place, as it is written
    there, and as it is meant.
    """
    for match in _IN_TEXT.finditer(plain):
        written = match[1]
        reference = written.translate(_MISTYPED)
        if _check(reference[len(PREFIX) : -1]) == reference[-1]:
            yield match.start(), written, reference


def spoken(reference: str) -> str:
    """The reference in groups of four, as it is printed and read aloud."""
    return " ".join(reference[i : i + 4] for i in range(0, LENGTH, 4))


def _milliseconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds() * 1000)


def _time_characters(moment: datetime) -> str:
    """A reference's characters of time, which sort as time does."""
    milliseconds = _milliseconds(moment)
    return "".join([ALPHABET[milliseconds >> shift & 31] for shift in range(35, -1, -5)])


def _check(body: str) -> str:
    total = 0
    for products, character in zip(_PRODUCTS, body, strict=True):
        total ^= products[character]
    return ALPHABET[total]


def _double(element: int) -> int:
    """Multiply by x in GF(32) = GF(2)[x] / (x^5 + x^2 + 1), whose powers of x are all 31 non-zero elements."""
    element <<= 1
    return element ^ 0b100101 if element & 32 else element


def _times_power(element: int, power: int) -> int:
    """Multiply by x^power."""
    return element if power == 0 else _times_power(_double(element), power - 1)


#: What each character adds to the sum at each place of the body: its value times x^1, x^2, ... x^13.
_PRODUCTS: Final = tuple(
    {character: _times_power(value, place) for character, value in _VALUE.items()}
    for place in range(1, LENGTH - 2)
)
_FIRST: Final = _time_characters(FIRST_DAY)
