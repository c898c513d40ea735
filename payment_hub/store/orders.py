"""Questions about orders, for whoever may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.errors import OrderNotFound
from payment_hub.domain.keys import Caller, Role
from payment_hub.store.obligations import seen_agency
from payment_hub.store.order_rows import COLUMNS, JOINS

_SEEN: Final = """(CAST(:only_agency AS bigint) IS NULL OR o.agency_id = :only_agency)
    AND (CAST(:only_portal AS bigint) IS NULL OR o.portal_id = :only_portal)"""

_ONE: Final = text(
    f"SELECT {COLUMNS} FROM payment_order o {JOINS} WHERE o.reference = :reference AND {_SEEN}"
)

_LIST: Final = text(
    f"""SELECT {COLUMNS} FROM payment_order o {JOINS} WHERE {_SEEN}
    AND (CAST(:status AS text) IS NULL OR o.status = :status)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:obligation AS text) IS NULL OR b.reference = :obligation)
    AND (CAST(:issued_from AS timestamptz) IS NULL OR o.issued_at >= :issued_from)
    AND (CAST(:issued_to AS timestamptz) IS NULL OR o.issued_at < :issued_to)
    AND (CAST(:after AS bigint) IS NULL OR o.id < :after)
    ORDER BY o.id DESC LIMIT :limit"""
)

_LOCK: Final = text(
    """UPDATE obligation SET sequence = sequence + 1
    WHERE id = (SELECT obligation_id FROM payment_order WHERE reference = :reference) RETURNING id"""
)

_DUE: Final = text(
    "SELECT reference FROM payment_order WHERE is_open AND expires_at <= :now ORDER BY expires_at LIMIT :limit"
)


def find_row(session: Session, reference: str, caller: Caller | None = None) -> Mapping[Any, Any]:
    """The order, read with COLUMNS, if the caller may see it. Raises OrderNotFound."""
    asked = {"reference": reference, **_limits(caller)}
    row = session.execute(_ONE, asked).mappings().one_or_none()
    if row is None:
        raise OrderNotFound(reference)
    return row


def list_rows(session: Session, caller: Caller, **asked: Any) -> Sequence[Mapping[Any, Any]]:
    """Orders that the caller may see, newest first, read with COLUMNS."""
    return session.execute(_LIST, {**_limits(caller), **asked}).mappings().all()


def lock(session: Session, reference: str) -> None:
    """Lock everything about an order by its obligation, and raise the gate. Raises OrderNotFound.

    Read the order after this, not before: only then is what is read what stands.
    """
    if session.execute(_LOCK, {"reference": reference}).scalar_one_or_none() is None:
        raise OrderNotFound(reference)


def due_references(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Open orders whose deadline has passed."""
    return session.scalars(_DUE, {"now": now, "limit": limit}).all()


def _limits(caller: Caller | None) -> dict[str, int | None]:
    if caller is None:
        return {"only_agency": None, "only_portal": None}
    return {
        "only_agency": seen_agency(caller),
        "only_portal": caller.portal_id if caller.role is Role.PORTAL else None,
    }
