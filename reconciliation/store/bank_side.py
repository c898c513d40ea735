"""The hub against one bank's statement: which cases must be looked into, and all that both books say about them.

What pairs off at sight - one collection and one credit of the day, alike in amount and currency - is only counted. Of
what went back, which is little, every item of the day is looked into: ``paid_back`` finds out what belongs together.
"""

from __future__ import annotations

from typing import Final

#: The keys of the cases that do not pair off at sight, or in which a transaction was moved more than once.
DOUBTFUL: Final = """
SELECT h.bank_transaction_id AS case_key FROM collection h
WHERE h.bank = :code AND h.day = :day AND NOT EXISTS (
    SELECT FROM statement_line l
    WHERE l.bank = :code AND l.day = :day AND l.movement = 'CREDIT' AND NOT l.again
        AND l.bank_transaction_id = h.bank_transaction_id AND l.amount = h.amount AND l.currency = h.currency)
UNION
SELECT l.bank_transaction_id FROM statement_line l
WHERE l.bank = :code AND l.day = :day AND l.movement = 'CREDIT' AND NOT EXISTS (
    SELECT FROM collection h
    WHERE h.bank = :code AND h.day = :day AND NOT l.again
        AND h.bank_transaction_id = l.bank_transaction_id AND h.amount = l.amount AND h.currency = l.currency)
UNION
SELECT a.bank_transaction_id FROM statement_line a
JOIN collection h ON h.bank = a.bank AND h.bank_transaction_id = a.bank_transaction_id
WHERE a.bank = :code AND a.again AND h.day = :day
UNION
SELECT a.bank_transaction_id FROM statement_line a
JOIN statement_line l ON l.bank = a.bank AND l.bank_transaction_id = a.bank_transaction_id
WHERE a.bank = :code AND a.again AND l.day = :day AND l.movement = 'CREDIT'"""

#: Every item of the doubtful cases, of whatever day. A refund that is not done, or that is a transfer, is one only
#: where a debit shows it, and has no day of its own.
ITEMS: Final = """
SELECT 'hub' AS side, d.case_key, h.day, h.amount, h.currency, h.order_id, h.agency_id,
    NOT EXISTS (SELECT FROM statement_file f
                WHERE f.bank = :code AND f.day = h.day AND f.state = 'ACCEPTED') AS awaited,
    false AS failed
FROM doubtful d JOIN collection h ON h.bank = :code AND h.bank_transaction_id = d.case_key
UNION ALL
SELECT 'bank', d.case_key, l.day, l.amount, l.currency, NULL, NULL, false, false
FROM doubtful d
JOIN statement_line l ON l.bank = :code AND l.bank_transaction_id = d.case_key AND l.movement = 'CREDIT'
UNION ALL
SELECT 'bank_debit', d.case_key, t.day, t.amount, t.currency, NULL, NULL, false, false
FROM doubtful d JOIN home t ON t.case_key = d.case_key
UNION ALL
SELECT 'paid_back', d.case_key, g.day, g.amount, g.currency, g.order_id, g.agency_id,
    2 > (SELECT count(DISTINCT f.day) FROM statement_file f
         WHERE f.bank = :code AND f.day IN (g.day, g.day + 1) AND f.state = 'ACCEPTED' AND f.shows_debits), g.failed
FROM doubtful d JOIN gone g ON g.case_key = d.case_key
WHERE g.day IS NOT NULL OR EXISTS (SELECT FROM home t WHERE t.case_key = d.case_key)"""

#: All items of the day: side, currency, how many, how much.
OF_THE_DAY: Final = """
SELECT 'hub' AS side, currency, count(*) AS items, sum(amount)::bigint AS amount
FROM collection WHERE bank = :code AND day = :day GROUP BY currency
UNION ALL
SELECT CASE movement WHEN 'CREDIT' THEN 'bank' WHEN 'DEBIT' THEN 'bank_debit' ELSE 'bank_fee' END, currency, count(*),
    sum(amount)::bigint
FROM statement_line WHERE bank = :code AND day = :day GROUP BY movement, currency
UNION ALL
SELECT 'paid_back', currency, count(*), sum(amount)::bigint FROM (
    SELECT currency, amount FROM refund
    WHERE bank = :code AND route = 'BANK' AND state = 'SUCCEEDED' AND changed_at >= :starts_at AND changed_at < :ends_at
    UNION ALL
    SELECT currency, amount FROM chargeback WHERE bank = :code AND stated_at >= :starts_at AND stated_at < :ends_at
) went GROUP BY currency"""

#: The files of one day, and whether any was accepted.
FILES: Final = """
SELECT encode(sha256, 'hex') AS sha256, state, reason, lines FROM statement_file
WHERE bank = :code AND day = :day ORDER BY sha256"""
