"""Compare two books inside the database: load what does not pair off at sight, judge it, and count everything.

Works on three temporary tables that live as long as the transaction: ``doubtful`` (keys of cases), ``item`` (all that
both books say of them) and ``judged`` (one row a case, with the kind). No row of them ever reaches Python. What went
back is paired off in tables of its own, see ``paid_back``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.calendar import bounds
from payment_hub.store.connections import allow_seq_scan
from reconciliation.domain.runs import Scope, Side
from reconciliation.domain.totals import Column, Figure
from reconciliation.store import agency_side, bank_side, debits, money_side
from reconciliation.store.conditions import kind_of
from reconciliation.store.temporary import temporary

# Cases found by earlier nights are looked into again as long as they live. Those that a run of this very day has
# healed are too, so that the same day run again sees the same cases.
_STILL_OPEN: Final = """
SELECT d.case_key FROM discrepancy d
JOIN finding f ON f.id = d.finding_id
JOIN reconciliation_run r ON r.id = f.run_id
LEFT JOIN reconciliation_run h ON h.id = d.auto_resolved_by
WHERE d.scope = :scope AND r.day <= :day AND (d.state IN ('OPEN', 'PROPOSED') OR h.day = :day)
    AND d.kind NOT IN ('STATEMENT_REFUSED', 'STATEMENT_MISSING', 'LEDGER_REFUSED', 'LEDGER_MISSING')"""

_CASES: Final = """
SELECT *, kind IS NULL AND hub_items > other_items AS waits FROM (
    SELECT *, {kind} AS kind FROM (
        SELECT case_key, day, agency_id, order_reference, awaited, failed, gone > 0 AND paid = 0 AS goes_back,
            CASE WHEN gone > 0 AND paid = 0 THEN 0 ELSE debits + gone END AS charged_back,
            hub_items, hub_amount, hub_currency,
            CASE WHEN debits > 0 THEN debits ELSE other_items END AS other_items,
            CASE WHEN debits > 0 THEN debit_amount ELSE other_amount END AS other_amount,
            CASE WHEN debits > 0 THEN debit_currency ELSE other_currency END AS other_currency
        FROM (
            SELECT i.case_key, max(i.day) AS day, max(i.agency_id) AS agency_id, max(o.reference) AS order_reference,
                count(*) FILTER (WHERE side IN ('hub', 'paid_back'))::int AS hub_items,
                coalesce(sum(amount) FILTER (WHERE side IN ('hub', 'paid_back')), 0)::bigint AS hub_amount,
                min(i.currency) FILTER (WHERE side IN ('hub', 'paid_back')) AS hub_currency,
                count(*) FILTER (WHERE side = '{other}')::int AS other_items,
                coalesce(sum(amount) FILTER (WHERE side = '{other}'), 0)::bigint AS other_amount,
                min(i.currency) FILTER (WHERE side = '{other}') AS other_currency,
                count(*) FILTER (WHERE side = 'bank_debit')::int AS debits,
                coalesce(sum(amount) FILTER (WHERE side = 'bank_debit'), 0)::bigint AS debit_amount,
                min(i.currency) FILTER (WHERE side = 'bank_debit') AS debit_currency,
                count(*) FILTER (WHERE side = 'paid_back')::int AS gone,
                count(*) FILTER (WHERE side IN ('hub', '{other}'))::int AS paid,
                bool_or(awaited) AS awaited, bool_or(failed) AS failed
            FROM item i LEFT JOIN payment_order o ON o.id = i.order_id
            GROUP BY i.case_key
        ) AS counted
    ) AS one
) AS named"""

_MONEY_ITEMS: Final = f"""
SELECT 'ledger' AS side, suspense + overpayment AS amount, * FROM ({money_side.LEFT_OPEN}) AS left_open"""

_MONEY_CASES: Final = """
SELECT case_key, day, agency_id, order_reference, collections AS hub_items, amount AS hub_amount,
    currency AS hub_currency, (order_id IS NOT NULL)::int AS other_items, coalesce(required, 0) AS other_amount,
    currency AS other_currency, {kind} AS kind, false AS waits
FROM item"""

_DIGEST: Final = """
SELECT count(*), sum(hashtextextended(item::text, 0)::numeric)::text,
    sum(hashtextextended(item::text, 1)::numeric)::text
FROM item"""

# The casts keep the result's types the same for all scopes: the driver prepares the statement once for all of them.
_LOOKED_INTO: Final = """
SELECT i.side::text, i.currency::text,
    CASE WHEN j.kind IS NOT NULL THEN 'discrepant' WHEN j.waits THEN 'open' ELSE 'matched' END AS become,
    coalesce(i.day = :day, false), count(*), coalesce(sum(i.amount), 0)::bigint
FROM item i JOIN judged j ON j.case_key = i.case_key
GROUP BY 1, 2, 3, 4"""


@dataclass(frozen=True, slots=True)
class Pair:
    """How two books are read."""

    doubtful: str
    items: str
    cases: str
    of_the_day: str | None = None
    files: str | None = None
    other: str = ""
    refused: str = ""
    missing: str = ""
    file_words: str = ""


PAIRS: Final[Mapping[Side, Pair]] = {
    Side.BANK: Pair(
        bank_side.DOUBTFUL,
        bank_side.ITEMS,
        _CASES.format(kind=kind_of(Side.BANK), other="bank"),
        bank_side.OF_THE_DAY,
        bank_side.FILES,
        other="bank",
        refused="STATEMENT_REFUSED",
        missing="STATEMENT_MISSING",
        file_words="statement of",
    ),
    Side.AGENCY: Pair(
        agency_side.DOUBTFUL,
        agency_side.ITEMS,
        _CASES.format(kind=kind_of(Side.AGENCY), other="agency"),
        agency_side.OF_THE_DAY,
        agency_side.FILES,
        other="agency",
        refused="LEDGER_REFUSED",
        missing="LEDGER_MISSING",
        file_words="ledger of",
    ),
    Side.MONEY: Pair(money_side.DOUBTFUL, _MONEY_ITEMS, _MONEY_CASES.format(kind=kind_of(Side.MONEY))),
}


def snapshot_isolation(session: Session) -> None:
    """Let the transaction see the database as of one moment. Must be its first statement."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    session.execute(text("SET LOCAL work_mem = '256MB'"))
    # Compiling takes longer than these few plain expressions ever save.
    session.execute(text("SET LOCAL jit = off"))
    allow_seq_scan(session)


def load(session: Session, scope: Scope, asked: Mapping[str, Any]) -> None:
    """Fill ``doubtful``, ``item`` and ``judged`` for one scope and day. ``asked`` comes from ``question``."""
    pair = PAIRS[scope.side]
    temporary(session, "doubtful", f"{pair.doubtful} UNION {_STILL_OPEN}", asked)
    if scope.side is Side.BANK:
        debits.pair_off(session, asked)
        debits.doubt(session, asked)
    temporary(session, "item", pair.items, asked)
    temporary(session, "judged", pair.cases, asked)


def question(scope: Scope, agency: int | None, day: Any) -> dict[str, Any]:
    """The values that the queries of a scope ask for."""
    starts_at, ends_at = bounds(day)
    return {
        "scope": str(scope),
        "code": scope.code,
        "agency": agency,
        "day": day,
        "starts_at": starts_at,
        "starts_before": starts_at - timedelta(days=1),
        "ends_at": ends_at,
    }


def of_the_day(session: Session, scope: Scope, asked: Mapping[str, Any]) -> dict[tuple[str, str], Figure]:
    """All items of the day, by side and currency."""
    query = PAIRS[scope.side].of_the_day
    rows = session.execute(text(query), asked) if query else ()
    return {(side, currency): Figure(count, amount) for side, currency, count, amount in rows}


def looked_into(session: Session, asked: Mapping[str, Any]) -> list[tuple[str, str, Column, bool, Figure]]:
    """The items that did not pair off at sight, by what became of them."""
    rows = session.execute(text(_LOOKED_INTO), asked)
    return [
        (side, currency, Column(become), of_day, Figure(n, amount))
        for side, currency, become, of_day, n, amount in rows
    ]


def digest(session: Session) -> tuple[object, ...]:
    """A fingerprint of every doubtful item, independent of the order in which they were stored."""
    return tuple(session.execute(text(_DIGEST)).one())


def files(session: Session, scope: Scope, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The other side's files of the day."""
    query = PAIRS[scope.side].files
    return [dict(row) for row in session.execute(text(query), asked).mappings()] if query else []
