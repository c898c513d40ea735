"""API keys: who may hold one, and what it may open.

The text of an API key: ``hub_<lookup>_<secret><checksum>``.

The prefix lets scanners find keys that were published by accident; the checksum lets a mistyped key be refused without
asking the database; of the 256-bit secret only a SHA-256 is ever stored.

What officers and operators are shown of outcomes that nobody knows, of the banks' health and of their keys.
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
    """Whose key it is."""

    PORTAL = "PORTAL"
    AGENCY = "AGENCY"
    OFFICER = "OFFICER"
    OPERATOR = "OPERATOR"


class Scope(StrEnum):
    """One thing that a key may do."""

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


#: What a new key of each role carries unless its maker says less.
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
    """Who is asking: the holder of a verified key. ``agency_id`` or ``portal_id`` limit what they may see."""

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
        """How the caller is known in records: ``portal:dvc``, ``agency:G22``, ``officer:lan``."""
        expected_by = (
            self.portal_code or (self.agency_code if self.role is Role.AGENCY else None) or self.holder
        )
        return f"{self.role.lower()}:{expected_by}"


def holder_name(text: str) -> str:
    """A holder's name in the one way in which it is written: composed letters, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def same_holder(one: str, other: str) -> bool:
    """Whether two holders are one person, however their keys spell the name: what four eyes compare."""
    return holder_name(one).casefold() == holder_name(other).casefold()


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as an operator sees it: everything but the secret."""

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


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a bank last signed with which of its keys."""

    bank: str
    current_at: datetime | None
    """None when it is in none of the latest messages."""
    previous_at: datetime | None
    """The key before must not be taken away while this is lately."""
