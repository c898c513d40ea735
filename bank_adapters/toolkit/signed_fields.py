"""Fields in a row, as many Vietnamese banks sign them: read from a raw query, written canonically, cut in one way."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from functools import cache, lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from payment_hub.domain.errors import CallbackRejected, MalformedReference
from payment_hub.domain.references import ALPHABET, LENGTH, PREFIX, may_hold_reference, parse_reference

_LONGEST: Final = 8192
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_ENCODED: Final = re.compile(r"[%+]")
_NEEDS_NO_CODE: Final = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)


def read_query(query: bytes, longest: int = _LONGEST) -> dict[str, str]:
    """The fields of a raw query or form body of at most ``longest`` bytes.

    Raises CallbackRejected for a repeated name, a name without ``=``, and whatever is not plainly percent-
    encoded UTF-8: none of it is what the bank signed.
    """
    if len(query) > longest or not query.isascii():
        raise CallbackRejected
    fields: dict[str, str] = {}
    for pair in query.decode("ascii").split("&"):
        name, equals, value = pair.partition("=")
        if not equals or name in fields or not _NAME.fullmatch(name):
            raise CallbackRejected
        try:
            fields[name] = unquote_plus(value, errors="strict") if _ENCODED.search(value) else value
        except UnicodeDecodeError as error:
            raise CallbackRejected from error
    return fields


def form_encoded(fields: Iterable[tuple[str, str]]) -> str:
    """``name=value`` joined with ``&``, encoded as HTML forms are (a space is ``+``), in the order given."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in fields)


def _encoded(text: str) -> str:
    """Most names and values need no code; looking is quicker than the encoder."""
    return text if _NEEDS_NO_CODE.fullmatch(text) else quote_plus(text)


def as_form(fields: Mapping[str, str], prefix: str, excluded: Container[str]) -> str:
    """The fields with a value whose names begin with ``prefix``, without those in ``excluded``, in the order of names,
    encoded as HTML forms are.
    """
    filled = sorted_and_filled(fields)
    return form_encoded(pair for pair in filled if pair[0].startswith(prefix) and pair[0] not in excluded)


def as_sent(query: bytes, prefix: str, excluded: Container[str]) -> str:
    """As ``as_form``, but encoded as it came, for a signer whose encoder is not ours. ``read_query`` has read it."""
    pairs = sorted(pair.partition("=") for pair in query.decode("ascii").split("&"))
    return "&".join(
        f"{name}={value}"
        for name, _, value in pairs
        if value and name.startswith(prefix) and name not in excluded
    )


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


def require_ours_whole(before: str, value: str, after: str, *, tail: str = "", follows: str = "") -> None:
    """Raise CallbackRejected when ``before``, ``value`` and ``after``, signed without a border, may have been cut in
    other places, and ``value`` or another piece of them could be a reference of ours.

    ``tail`` is the pattern of what stands behind the reference in ``value``, ``follows`` that of what follows it. Of
    several places where both fit, the first is meant: only one cut is ever accepted, and chance makes
    a second reference out of the end of a first and the digits behind it once in some thousand orders.
    """
    places = _places((before + value + after).upper(), tail + follows)
    if (
        places[:1] == [len(before)]
        and _reference_pattern(tail).fullmatch(value[LENGTH:])
        and len(value) >= LENGTH
    ):
        return
    if places or may_hold_reference(value):
        raise CallbackRejected


def _places(text: str, behind: str) -> list[int]:
    """Where references stand in ``text`` with ``behind`` following them."""
    like = _reference_pattern(f"(?=({PREFIX}[{ALPHABET}]{{{LENGTH - len(PREFIX)}}}){behind})")
    return [match.start() for match in like.finditer(text) if _is_reference(match[1])]


@cache
def _reference_pattern(pattern: str) -> re.Pattern[str]:
    """The patterns are constants of the adapters: there are few."""
    return re.compile(pattern, re.ASCII)


@lru_cache(maxsize=256)
def _is_reference(text: str) -> bool:
    """Banks send several messages about one order."""
    try:
        return parse_reference(text) == text
    except MalformedReference:
        return False
