"""Our references among values that are signed one after the other with nothing between them.

``A1`` + ``2`` and ``A`` + ``12`` have the same signature. A reference of ours has its own length and check character:
where one stands in what is signed, it must be the very value that names the order, and no piece of it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from payment_hub.domain.errors import CallbackRejected, MalformedReference
from payment_hub.domain.references import ALPHABET, LENGTH, PREFIX, may_hold_reference, parse_reference


def require_ours_whole(before: str, value: str, after: str, *, tail: str = "", follows: str = "") -> None:
    """Raise CallbackRejected when ``before``, ``value`` and ``after``, signed without a border, may have been cut in
    other places, and ``value`` or another piece of them could be a reference of ours.

    ``tail`` is the pattern of what stands behind the reference in ``value``, ``follows`` that of what follows it. Of
    several places where both fit, the first is meant: there is always one cut alone that is believed, and chance makes
    a second reference out of the end of a first and the digits behind it once in some thousand orders.
    """
    places = _places((before + value + after).upper(), tail + follows)
    if places[:1] == [len(before)] and _compiled(tail).fullmatch(value[LENGTH:]) and len(value) >= LENGTH:
        return
    if places or may_hold_reference(value):
        raise CallbackRejected


def _places(text: str, behind: str) -> list[int]:
    """Where references stand in ``text`` with ``behind`` following them."""
    like = _compiled(f"(?=({PREFIX}[{ALPHABET}]{{{LENGTH - len(PREFIX)}}}){behind})")
    return [found.start() for found in like.finditer(text) if _is_ours(found[1])]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Each pattern is a word of some adapter's: there are few."""
    return re.compile(pattern, re.ASCII)


@lru_cache(maxsize=256)
def _is_ours(text: str) -> bool:
    """Banks send several messages about one order."""
    try:
        return parse_reference(text) == text
    except MalformedReference:
        return False
