"""The hub's receipts against one agency's ledger: which obligations must be looked into, and what both books say."""

from __future__ import annotations

from typing import Final

#: The agency's references of the obligations that do not pair off at sight, or that are booked more than once.
DOUBTFUL: Final = """
SELECT b.reference AS case_key
FROM (
    SELECT r.order_id FROM receipt r
    WHERE r.agency_id = :agency AND r.day = :day AND r.amount > 0 AND NOT EXISTS (
        SELECT FROM ledger_entry l
        WHERE l.agency_id = :agency AND l.day = :day AND NOT l.again
            AND l.order_id = r.order_id AND l.amount = r.amount AND l.currency = r.currency)
    OFFSET 0
) alone
JOIN payment_order p ON p.id = alone.order_id
JOIN obligation b ON b.id = p.obligation_id
UNION
SELECT l.case_key FROM ledger_entry l
WHERE l.agency_id = :agency AND l.day = :day AND NOT EXISTS (
    SELECT FROM receipt r
    WHERE r.agency_id = :agency AND r.day = :day AND r.amount > 0 AND NOT l.again
        AND r.order_id = l.order_id AND r.amount = l.amount AND r.currency = l.currency)
UNION
SELECT a.case_key FROM ledger_entry a
JOIN ledger_entry l ON l.agency_id = a.agency_id AND l.case_key = a.case_key
WHERE a.agency_id = :agency AND a.again AND l.day = :day
UNION
SELECT a.case_key FROM ledger_entry a
JOIN obligation b ON b.agency_id = a.agency_id AND b.reference = a.case_key
JOIN payment_order p ON p.obligation_id = b.id
JOIN receipt r ON r.order_id = p.id
WHERE a.agency_id = :agency AND a.again AND r.day = :day"""

#: Every item of the doubtful cases, of whatever day. An order of nothing has a receipt that nobody books.
ITEMS: Final = """
SELECT 'hub' AS side, d.case_key, r.day, r.amount, r.currency, r.order_id, r.agency_id,
    NOT EXISTS (SELECT FROM ledger_file f
                WHERE f.agency_id = :agency AND f.day = r.day AND f.state = 'ACCEPTED') AS awaited,
    false AS failed
FROM doubtful d
JOIN obligation b ON b.agency_id = :agency AND b.reference = d.case_key
JOIN payment_order p ON p.obligation_id = b.id
JOIN receipt r ON r.order_id = p.id AND r.amount > 0
UNION ALL
SELECT 'agency', d.case_key, l.day, l.amount, l.currency, l.order_id, l.agency_id, false,
    false
FROM doubtful d JOIN ledger_entry l ON l.agency_id = :agency AND l.case_key = d.case_key"""

#: All items of the day: side, currency, how many, how much.
OF_THE_DAY: Final = """
SELECT 'hub' AS side, currency, count(*) AS items, sum(amount)::bigint AS amount
FROM receipt WHERE agency_id = :agency AND day = :day AND amount > 0 GROUP BY currency
UNION ALL
SELECT 'agency', currency, count(*), sum(amount)::bigint
FROM ledger_entry WHERE agency_id = :agency AND day = :day GROUP BY currency"""

#: The files of one day.
FILES: Final = """
SELECT encode(sha256, 'hex') AS sha256, state, reason, lines FROM ledger_file
WHERE agency_id = :agency AND day = :day ORDER BY sha256"""
