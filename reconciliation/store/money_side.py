"""Money that is here and that nobody has a use for yet: what the hub's own ledger keeps in suspense or as overpaid."""

from __future__ import annotations

from typing import Final

#: Orders and order-less collections whose money was moved in or out of these accounts on the day or in the night after
#: it, when statements are read, and orders of which a bank has said two things. A case is an order, or a bank's
#: transaction, in one currency.
DOUBTFUL: Final = """
SELECT o.reference || CASE p.currency WHEN o.currency THEN '' ELSE ' ' || p.currency END AS case_key
FROM posting p JOIN payment_order o ON o.id = p.order_id
WHERE p.day BETWEEN :day AND CAST(:day AS date) + 1
    AND (p.debit IN ('SUSPENSE', 'OVERPAYMENT') OR p.credit IN ('SUSPENSE', 'OVERPAYMENT'))
UNION
SELECT c.bank || ':' || c.bank_transaction_id || ' ' || p.currency
FROM posting p JOIN collection c ON p.source_type = 'collection' AND c.id = p.source_id AND c.order_id IS NULL
WHERE p.day BETWEEN :day AND CAST(:day AS date) + 1 AND p.order_id IS NULL
UNION
SELECT o.reference FROM confirmation c JOIN payment_order o ON o.id = c.order_id
WHERE c.disposition = 'CONFLICT' AND c.judged_at >= :starts_at AND c.judged_at < :ends_at
UNION
SELECT o.reference FROM payment_attempt a JOIN payment_order o ON o.id = a.order_id
WHERE a.contradicted AND a.changed_at >= :starts_at AND a.changed_at < :ends_at"""

#: What the ledger still keeps of each doubtful case, one row a case, with the order's facts.
LEFT_OPEN: Final = """
SELECT d.case_key, o.id AS order_id, o.reference AS order_reference, o.agency_id, m.day, m.currency,
    m.suspense, m.overpayment, m.collections, o.required, o.received,
    o.conflict OR EXISTS (SELECT FROM payment_attempt a WHERE a.order_id = o.id AND a.contradicted) AS conflict,
    m.currency <> o.currency AS foreign_money,
    b.settled_by IS NOT NULL AND b.settled_by <> o.id AS settled_elsewhere,
    b.settled_by = o.id AS settled_here
FROM doubtful d
JOIN payment_order o ON o.reference = split_part(d.case_key, ' ', 1)
JOIN obligation b ON b.id = o.obligation_id
JOIN LATERAL (
    SELECT max(p.day) AS day, coalesce(nullif(split_part(d.case_key, ' ', 2), ''), o.currency) AS currency,
        coalesce(sum(CASE 'SUSPENSE' WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount END), 0)::bigint
            AS suspense,
        coalesce(sum(CASE 'OVERPAYMENT' WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount END), 0)::bigint
            AS overpayment,
        count(DISTINCT p.source_id) FILTER (WHERE p.source_type = 'collection')::int AS collections
    FROM posting p
    WHERE p.order_id = o.id AND p.currency = coalesce(nullif(split_part(d.case_key, ' ', 2), ''), o.currency)
) m ON true
UNION ALL
SELECT d.case_key, NULL, NULL, NULL, p.day, p.currency, p.amount, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL
FROM doubtful d
JOIN collection c ON c.bank = split_part(d.case_key, ':', 1) AND c.order_id IS NULL
    AND d.case_key = c.bank || ':' || c.bank_transaction_id || ' ' || c.currency
JOIN posting p ON p.source_type = 'collection' AND p.source_id = c.id"""
