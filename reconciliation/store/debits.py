"""Refunds and chargebacks against the debits of a bank's statements: the rules of ``domain/paid_back.py`` in SQL.

Works on temporary tables: ``debit`` (lines, with what each names), ``gone`` (refunds and chargebacks), ``paired`` (one
debit, one of them) and ``home`` (the case of each debit). An order that is touched is there whole, of whatever days, so
that what comes out does not depend on the day that asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.calendar import bounds
from reconciliation.domain.debits import Named
from reconciliation.store.temporary import temporary

#: The first word of the code by which the hub is told of a debit; the bank's transaction follows.
STATEMENT: Final = "STATEMENT"

#: The business day of a moment. Twin of ``business_day``.
HUB_DAY: Final = "({} AT TIME ZONE INTERVAL '7 hours')::date"

#: What debits name, the most exact first.
_NAMED: Final = """
SELECT l.id, l.day, l.bank_transaction_id AS transaction, l.reference, l.occurrence, l.amount, l.currency, n.*,
    CASE n.named WHEN 1 THEN l.refund_reference WHEN 4 THEN '' ELSE l.bank_transaction_id END AS name
FROM statement_line l
LEFT JOIN LATERAL (
    SELECT named, min(order_id) AS order_id FROM (
        SELECT 1 AS named, r.order_id FROM refund r WHERE r.bank = :code AND r.reference = l.refund_reference
        UNION ALL
        SELECT 2, r.order_id FROM refund r JOIN collection c ON c.id = r.collection_id
        WHERE r.bank = :code AND r.bank_refund_id = l.bank_transaction_id
            AND c.bank_transaction_id <> l.bank_transaction_id
        UNION ALL
        SELECT 2, k.order_id FROM chargeback k JOIN collection c ON c.id = k.collection_id
        WHERE k.bank = :code AND k.evidence = l.bank_transaction_id AND c.bank_transaction_id <> l.bank_transaction_id
        UNION ALL
        SELECT 3, c.order_id FROM collection c
        WHERE c.bank = :code AND c.bank_transaction_id = l.bank_transaction_id AND c.order_id IS NOT NULL
        UNION ALL
        SELECT 4, o.id FROM payment_order o WHERE o.reference = l.order_reference
    ) meant GROUP BY named ORDER BY named LIMIT 1
) n ON true
WHERE l.bank = :code AND l.movement = 'DEBIT'"""

#: Debits of the day, and all of the transactions that are looked into.
_OF_THE_DAY: Final = f"""{_NAMED} AND l.id IN (
    SELECT s.id FROM statement_line t
    JOIN statement_line s ON s.bank = t.bank AND s.bank_transaction_id = t.bank_transaction_id AND s.movement = 'DEBIT'
    WHERE t.bank = :code AND t.day = :day AND t.movement = 'DEBIT'
    UNION ALL
    SELECT s.id FROM doubtful d
    JOIN statement_line s ON s.bank = :code AND s.bank_transaction_id = d.case_key AND s.movement = 'DEBIT')"""

_TOUCHED: Final = """
SELECT order_id FROM debit WHERE order_id IS NOT NULL
UNION SELECT order_id FROM refund
WHERE bank = :code AND state = 'SUCCEEDED' AND changed_at >= :starts_before AND changed_at < :ends_at
UNION SELECT order_id FROM chargeback WHERE bank = :code AND stated_at >= :starts_before AND stated_at < :ends_at
UNION SELECT r.order_id FROM doubtful d JOIN refund r ON r.reference = d.case_key AND r.bank = :code
UNION SELECT k.order_id FROM doubtful d
JOIN chargeback k ON k.bank = :code AND d.case_key LIKE 'chargeback %' AND d.case_key = 'chargeback ' || k.id"""

# Every line that may name a touched order: what it names is looked up as for any other.
_OTHERS: Final = f"""
INSERT INTO debit {_NAMED} AND NOT EXISTS (SELECT FROM debit d WHERE d.id = l.id)
    AND n.order_id IN (SELECT order_id FROM touched) AND l.id IN (
        SELECT s.id FROM touched t JOIN refund r ON r.order_id = t.order_id
        JOIN statement_line s ON s.refund_reference = r.reference
        UNION ALL
        SELECT s.id FROM touched t JOIN refund r ON r.order_id = t.order_id
        JOIN statement_line s ON s.bank = :code AND s.bank_transaction_id = r.bank_refund_id
        UNION ALL
        SELECT s.id FROM touched t JOIN chargeback k ON k.order_id = t.order_id
        JOIN statement_line s ON s.bank = :code AND s.bank_transaction_id = k.evidence
        UNION ALL
        SELECT s.id FROM touched t JOIN collection c ON c.order_id = t.order_id
        JOIN statement_line s ON s.bank = :code AND s.bank_transaction_id = c.bank_transaction_id
        UNION ALL
        SELECT s.id FROM touched t JOIN payment_order o ON o.id = t.order_id
        JOIN statement_line s ON s.order_reference = o.reference)"""

#: ``day`` is that of what must stand in the bank's statement: refunds through the bank that are done, and chargebacks.
#: A transfer is made by an officer, from whichever account; a debit that shows it is its debit all the same.
_GONE: Final = f"""
SELECT r.reference AS case_key, r.order_id, r.agency_id, r.amount, r.currency, c.bank_transaction_id AS money,
    r.reference, nullif(r.bank_refund_id, c.bank_transaction_id) AS by_bank, r.id AS number, false AS chargeback,
    {HUB_DAY.format("coalesce(r.submitted_at, r.proposed_at)")} AS sent_on,
    CASE WHEN r.state = 'SUCCEEDED' AND r.route = 'BANK' THEN {HUB_DAY.format("r.changed_at")} END AS day,
    CASE r.state WHEN 'SUCCEEDED' THEN 0 WHEN 'FAILED' THEN 2 ELSE 1 END AS certainty, r.state = 'FAILED' AS failed,
    r.route = 'BANK' AND r.state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') AS under_way
FROM touched t
JOIN refund r ON r.order_id = t.order_id AND r.bank = :code
JOIN collection c ON c.id = r.collection_id
WHERE r.route = 'BANK' AND r.state IN ('SUBMITTING', 'PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED')
    OR r.route = 'TRANSFER' AND r.state IN ('APPROVED', 'HANDED_IN', 'SUCCEEDED', 'FAILED')
UNION ALL
SELECT 'chargeback ' || k.id, k.order_id, c.agency_id, k.amount, k.currency, c.bank_transaction_id, NULL,
    nullif(k.evidence, c.bank_transaction_id), k.id, true, '-infinity', {HUB_DAY.format("k.stated_at")}, 0, false, false
FROM touched t
JOIN chargeback k ON k.order_id = t.order_id AND k.bank = :code
JOIN collection c ON c.id = k.collection_id"""

_MEANS: Final = """g.order_id = d.order_id AND (d.named <= 2 OR d.day >= g.sent_on)
    AND d.name = CASE d.named WHEN 1 THEN g.reference WHEN 2 THEN g.by_bank WHEN 3 THEN g.money ELSE '' END"""
_FIRST: Final = "g.certainty, g.chargeback, g.number"

# Of each group of debits that say the same, the first that still can be is paired off with the first that it can be.
_PAIR: Final = f"""
INSERT INTO paired
SELECT DISTINCT ON (d.order_id, d.name, d.amount, d.currency) d.id, g.case_key
FROM debit d JOIN gone g ON {_MEANS} AND g.amount = d.amount AND g.currency = d.currency
WHERE d.named = :named AND NOT EXISTS (SELECT FROM paired p WHERE p.debit = d.id)
    AND NOT EXISTS (SELECT FROM paired p WHERE p.case_key = g.case_key)
ORDER BY d.order_id, d.name, d.amount, d.currency, d.day, d.transaction COLLATE "C", d.reference COLLATE "C",
    d.occurrence, {_FIRST}"""

_HOME: Final = f"""
SELECT d.id, d.day, d.amount, d.currency, coalesce(p.case_key, once_more.case_key, d.transaction) AS case_key
FROM debit d
LEFT JOIN paired p ON p.debit = d.id
LEFT JOIN LATERAL (
    SELECT g.case_key FROM gone g
    WHERE p.debit IS NULL AND {_MEANS} AND (d.named <= 2 OR g.amount = d.amount AND g.currency = d.currency)
    ORDER BY g.amount = d.amount AND g.currency = d.currency DESC, {_FIRST} LIMIT 1
) once_more ON true"""

# What went back yesterday must stand in today's statement if it stood in none.
_DOUBT: Final = """
INSERT INTO doubtful
SELECT case_key FROM home WHERE day = :day
UNION SELECT g.case_key FROM gone g
WHERE g.day = :day
    OR g.day = CAST(:day AS date) - 1 AND NOT EXISTS (SELECT FROM home t WHERE t.case_key = g.case_key)
EXCEPT SELECT case_key FROM doubtful"""

_UNDER_WAY: Final = """
SELECT reference AS case_key FROM refund
WHERE bank = :code AND route = 'BANK' AND state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"""

# One debit for several equal refunds says of none of them that it is the one. A contradiction is told once.
_SHOWN: Final = f"""
SELECT g.number, d.transaction FROM paired p
JOIN gone g ON g.case_key = p.case_key
JOIN debit d ON d.id = p.debit
WHERE g.under_way AND NOT EXISTS (
        SELECT FROM gone w
        WHERE d.named > 2 AND w.order_id = g.order_id AND (d.named = 4 OR w.money = g.money) AND NOT w.failed
            AND w.amount = g.amount AND w.currency = g.currency AND w.sent_on <= d.day
            AND NOT EXISTS (SELECT FROM paired q WHERE q.case_key = w.case_key))
    OR g.failed AND NOT EXISTS (
        SELECT FROM refund_event e
        WHERE e.refund_id = g.number AND e.event = 'CONTRADICTED' AND e.code LIKE '{STATEMENT} %')
ORDER BY g.number"""


def pair_off(session: Session, asked: Mapping[str, Any]) -> None:
    """Fill ``debit``, ``gone``, ``paired`` and ``home`` from ``doubtful`` and the day."""
    temporary(session, "debit", _OF_THE_DAY, asked)
    temporary(session, "touched", _TOUCHED, asked)
    session.execute(text(_OTHERS), asked)
    temporary(session, "gone", _GONE, asked)
    session.execute(text("CREATE TEMPORARY TABLE paired (debit bigint, case_key text) ON COMMIT DROP"))
    for named in Named:
        while _rows(session, _PAIR, {"named": int(named)}):
            pass
    temporary(session, "home", _HOME, {})


def doubt(session: Session, asked: Mapping[str, Any]) -> None:
    """Let ``doubtful`` have the cases that what went back on the day, or stands in its statement, belongs to."""
    session.execute(text(_DOUBT), asked)


def shown(session: Session, *, bank: str, day: date) -> list[tuple[int, str]]:
    """Refunds that debits prove or contradict, and the transaction of each: those under way, and those of ``day``."""
    starts_at, ends_at = bounds(day)
    asked = {"code": bank, "day": day, "starts_before": starts_at - timedelta(days=1), "ends_at": ends_at}
    temporary(session, "doubtful", _UNDER_WAY, asked)
    pair_off(session, asked)
    return [(key, transaction) for key, transaction in session.execute(text(_SHOWN))]


def _rows(session: Session, query: str, asked: Mapping[str, Any]) -> int:
    done: Any = session.execute(text(query), asked)
    return int(done.rowcount)
