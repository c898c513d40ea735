"""Outcomes that nobody knows: which they are, how long they lasted, and the last use of every bank's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.keys import Caller
from payment_hub.store.obligations import seen_agency
from payment_hub.store.tables.attempts import TOLD

#: An attempt without an outcome that it should have. Each half has its own partial index.
_OPEN: Final = f"""
    SELECT id FROM payment_attempt
    WHERE unknown_at IS NOT NULL AND state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') AND state <> 'PENDING'
    UNION SELECT id FROM payment_attempt WHERE {TOLD}"""

_LIST: Final = text(
    f"""SELECT p.id, p.reference, o.reference AS order_reference, a.code AS agency, p.bank, p.state, p.told, p.amount,
        p.currency, p.asked, p.ask_at, coalesce(p.unknown_at, p.started_at) AS unknown_at, p.officer_since
    FROM payment_attempt p JOIN payment_order o ON o.id = p.order_id JOIN agency a ON a.id = o.agency_id
    WHERE p.id IN ({_OPEN}) AND (CAST(:agency AS bigint) IS NULL OR o.agency_id = :agency)
        AND (CAST(:portal AS bigint) IS NULL OR o.portal_id = :portal)
        AND (NOT :overdue OR p.officer_since IS NOT NULL) AND p.id > :after
    ORDER BY p.id LIMIT :limit"""
)

_WAITING: Final = text(
    f"""SELECT bank, count(*) AS open, count(officer_since) AS overdue, min(unknown_at) AS oldest_at
    FROM payment_attempt WHERE id IN ({_OPEN}) GROUP BY bank"""
)

_KNOWN: Final = text(
    """SELECT bank, array_agg(seconds) AS waits, count(*) FILTER (WHERE kept) AS kept FROM (
        SELECT bank, extract(epoch FROM coalesce(known_at, changed_at) - unknown_at)::int AS seconds,
            coalesce(known_at, changed_at) <= promised_at AS kept
        FROM payment_attempt
        WHERE unknown_at IS NOT NULL AND changed_at > :since
            AND (known_at IS NOT NULL OR state = 'SUCCEEDED' OR state = 'FAILED' AND told IS DISTINCT FROM 'PAID')
        ORDER BY changed_at DESC LIMIT :most
    ) known GROUP BY bank"""
)

_OVERDUE: Final = text(f"SELECT count(officer_since) FROM payment_attempt WHERE id IN ({_OPEN})")

#: The last messages of all banks are read backwards; a bank that is not among so many has not signed lately.
_LOOKED_THROUGH: Final = 100_000

_KEYS: Final = text(
    """SELECT
    (SELECT judged_at FROM confirmation WHERE bank = :bank AND key = 0
        AND id > (SELECT coalesce(max(id), 0) - :looked FROM confirmation) ORDER BY id DESC LIMIT 1) AS current_at,
    (SELECT max(judged_at) FROM confirmation WHERE bank = :bank AND key = 1) AS previous_at"""
)

#: More waits than this in a day are figures of a catastrophe, whatever they are exactly.
_MOST: Final = 10_000


def unknown(
    session: Session, caller: Caller, *, overdue: bool, after: int, limit: int
) -> Sequence[Mapping[Any, Any]]:
    """The attempts of unknown outcome that the caller may see, the oldest first."""
    seen = {"agency": seen_agency(caller), "portal": caller.portal_id}
    asked = seen | {"overdue": overdue, "after": after, "limit": limit}
    return session.execute(_LIST, asked).mappings().all()


def waiting(session: Session) -> Sequence[Mapping[Any, Any]]:
    """For each bank: how many outcomes are unknown, how many of them lie before an officer, and since when."""
    return session.execute(_WAITING).mappings().all()


def overdue(session: Session) -> int:
    """How many unknown outcomes lie before an officer."""
    return int(session.execute(_OVERDUE).scalar_one())


def known(session: Session, since: datetime) -> Sequence[Mapping[Any, Any]]:
    """For each bank: seconds from unknown to known of what became known after ``since``, and promises kept."""
    return session.execute(_KNOWN, {"since": since, "most": _MOST}).mappings().all()


def key_use(session: Session, bank: str) -> Mapping[Any, Any]:
    """When the bank last signed with the current key and with the one before."""
    return session.execute(_KEYS, {"bank": bank, "looked": _LOOKED_THROUGH}).mappings().one()
