"""The text of an API key: ``hub_<lookup>_<secret><checksum>``.

The prefix lets scanners find keys that were published by accident; the checksum lets a mistyped key be refused without
asking the database; of the 256-bit secret only a SHA-256 is ever stored.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

PREFIX: Final = "hub"
SECRET_BYTES: Final = 32
LOOKUP_BYTES: Final = 8

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOOKUP_LENGTH: Final = 11
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_FORM: Final = re.compile(rf"{PREFIX}_([0-9A-Za-z]{{11}})_([0-9A-Za-z]{{43}})([0-9A-Za-z]{{6}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A key's two halves: the public ``lookup`` by which it is found, and the hash of its secret."""

    lookup: str
    secret_sha256: bytes = field(repr=False)


def make_token(chance: bytes) -> str:
    """The text of a new key from 40 random bytes. It is shown once and cannot be made again."""
    if len(chance) != LOOKUP_BYTES + SECRET_BYTES:
        raise ValueError("a key is made of 40 random bytes")
    lookup = _spell(chance[:LOOKUP_BYTES], _LOOKUP_LENGTH)
    secret = _spell(chance[LOOKUP_BYTES:], _SECRET_LENGTH)
    return f"{PREFIX}_{lookup}_{secret}{_checksum(lookup, secret)}"


def api_token_of(chance: bytes) -> ApiToken:
    """What is stored of the key that is made from the same 40 random bytes."""
    _, lookup, secret = make_token(chance).split("_")
    return _stored(lookup, secret[:_SECRET_LENGTH])


def read_token(text: str) -> ApiToken | None:
    """The key in ``text``, or nothing when it cannot be one: wrong form, or a checksum that does not fit."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(found[1], found[2]) != found[3]:
        return None
    return _stored(found[1], found[2])


def _stored(lookup: str, secret: str) -> ApiToken:
    return ApiToken(lookup, hashlib.sha256(secret.encode()).digest())


def _checksum(lookup: str, secret: str) -> str:
    return _spell(crc32(f"{lookup}_{secret}".encode()).to_bytes(4, "big"), _CHECKSUM_LENGTH)


def _spell(number: bytes, length: int) -> str:
    value, letters = int.from_bytes(number, "big"), []
    for _ in range(length):
        value, rest = divmod(value, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))
