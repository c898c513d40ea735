"""Access: roles, scopes, callers, and API keys with the text ``hub_<lookup>_<secret><checksum>``.

The prefix lets scanners find keys that were published by accident; the checksum lets a mistyped key be refused without
a query to the database; of the 256-bit secret only a SHA-256 is ever stored.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from zlib import crc32


class Role(StrEnum):
    """The kind of a key's holder."""

    PORTAL = "PORTAL"
    AGENCY = "AGENCY"
    OFFICER = "OFFICER"
    OPERATOR = "OPERATOR"


class Scope(StrEnum):
    """One right of a key."""

    OBLIGATIONS_WRITE = "obligations:write"
    OBLIGATIONS_READ = "obligations:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_READ = "orders:read"
    EVENTS_READ = "events:read"
    WEBHOOKS_RESEND = "webhooks:resend"
    RECONCILIATION_READ = "reconciliation:read"
    RECONCILIATION_RUN = "reconciliation:run"
    DISCREPANCIES_PROPOSE = "discrepancies:propose"
    DISCREPANCIES_APPROVE = "discrepancies:approve"
    LEDGER_READ = "ledger:read"
    REFUNDS_PROPOSE = "refunds:propose"
    REFUNDS_APPROVE = "refunds:approve"
    REFUNDS_PROVE = "refunds:prove"


#: The scopes of a new key of each role, unless fewer are named.
USUAL_SCOPES: dict[Role, tuple[Scope, ...]] = {
    Role.PORTAL: (
        Scope.OBLIGATIONS_READ,
        Scope.ORDERS_WRITE,
        Scope.ORDERS_READ,
        Scope.EVENTS_READ,
        Scope.WEBHOOKS_RESEND,
        Scope.REFUNDS_PROPOSE,
    ),
    Role.AGENCY: (
        Scope.OBLIGATIONS_WRITE,
        Scope.OBLIGATIONS_READ,
        Scope.ORDERS_READ,
        Scope.EVENTS_READ,
        Scope.LEDGER_READ,
        Scope.RECONCILIATION_READ,
        Scope.REFUNDS_PROPOSE,
    ),
    Role.OFFICER: (
        Scope.OBLIGATIONS_READ,
        Scope.ORDERS_READ,
        Scope.LEDGER_READ,
        Scope.RECONCILIATION_READ,
        Scope.RECONCILIATION_RUN,
        Scope.DISCREPANCIES_PROPOSE,
        Scope.DISCREPANCIES_APPROVE,
        Scope.REFUNDS_PROPOSE,
        Scope.REFUNDS_APPROVE,
        Scope.REFUNDS_PROVE,
    ),
    Role.OPERATOR: tuple(Scope),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a verified key. ``agency_id`` or ``portal_id`` limit what the caller may see."""

    key_id: int
    role: Role
    holder: str
    scopes: frozenset[str]
    agency_id: int | None = None
    agency_code: str | None = None
    portal_id: int | None = None
    portal_code: str | None = None

    @property
    def name(self) -> str:
        """The caller's name in records: ``portal:dvc``, ``agency:G22``, ``officer:lan``."""
        agency = self.agency_code if self.role is Role.AGENCY else None
        return f"{self.role.lower()}:{self.portal_code or agency or self.holder}"


def holder_name(text: str) -> str:
    """A holder's name in its normal form: composed letters, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def same_holder(one: str, other: str) -> bool:
    """Whether two names are one holder, however they are spelt. The four-eyes rules compare with this."""
    return holder_name(one).casefold() == holder_name(other).casefold()


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as operators see it, without the secret."""

    lookup: str
    role: Role
    holder: str
    agency: str | None
    portal: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


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
    """A key's two halves: the public ``lookup`` for the look-up, and the hash of its secret."""

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
    """The stored part of the key that is made from the same 40 random bytes."""
    _, lookup, secret = make_token(chance).split("_")
    return _stored(lookup, secret[:_SECRET_LENGTH])


def read_token(text: str) -> ApiToken | None:
    """The key in ``text``, or None for a wrong form or a wrong checksum."""
    match = _FORM.fullmatch(text)
    if match is None or _checksum(match[1], match[2]) != match[3]:
        return None
    return _stored(match[1], match[2])


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


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a bank last signed with each of its keys."""

    bank: str
    current_at: datetime | None
    """None when it is in none of the latest messages."""
    previous_at: datetime | None
    """While this is recent, the previous key must stay."""
