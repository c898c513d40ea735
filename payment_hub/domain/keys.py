"""API keys: who may hold one, and what it may open."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    NOTICES_RESEND = "notices:resend"
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
        Scope.NOTICES_RESEND,
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
        known_by = self.portal_code or (self.agency_code if self.role is Role.AGENCY else None) or self.holder
        return f"{self.role.lower()}:{known_by}"


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
