"""Which books are to be compared for a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_AGENCIES: Final = """
SELECT a.code, a.id FROM agency a
WHERE EXISTS (SELECT FROM receipt r WHERE r.agency_id = a.id AND r.day = :day)
    OR EXISTS (SELECT FROM ledger_file f WHERE f.agency_id = a.id)
    OR a.code = ANY(CAST(:left AS text[]))
ORDER BY a.code"""

_FIRST_DAY: Final = """
SELECT min(day) FROM (SELECT min(day) AS day FROM collection UNION ALL SELECT min(day) FROM receipt) AS firsts"""


def first_day(session: Session) -> date | None:
    """The first day of which the hub has any money facts: no night before it lacks anything."""
    first: date | None = session.scalar(text(_FIRST_DAY))
    return first


def agencies_of(session: Session, day: date, left: Collection[str]) -> list[tuple[str, int]]:
    """Agencies with receipts of the day, and all that ever left us a ledger, now or before: code and key."""
    asked = {"day": day, "left": sorted(left)}
    return [(code, key) for code, key in session.execute(text(_AGENCIES), asked)]
