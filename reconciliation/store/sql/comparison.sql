-- name: bank_candidates
-- Bank transactions of the day that do not pair off at sight (one collection, one credit of the day, alike in amount
-- and currency), or that a statement has more than once.
SELECT h.bank_transaction_id AS case_key FROM collection h
WHERE h.bank = :bank AND h.day = :day AND NOT EXISTS (
    SELECT FROM statement_line l
    WHERE l.bank = :bank AND l.day = :day AND l.movement = {credit} AND NOT l.repeated
        AND l.bank_transaction_id = h.bank_transaction_id AND l.amount = h.amount AND l.currency = h.currency)
UNION
SELECT l.bank_transaction_id FROM statement_line l
WHERE l.bank = :bank AND l.day = :day AND l.movement = {credit} AND NOT EXISTS (
    SELECT FROM collection h
    WHERE h.bank = :bank AND h.day = :day AND NOT l.repeated
        AND h.bank_transaction_id = l.bank_transaction_id AND h.amount = l.amount AND h.currency = l.currency)
UNION
SELECT r.bank_transaction_id FROM statement_line r
JOIN collection h ON h.bank = r.bank AND h.bank_transaction_id = r.bank_transaction_id
WHERE r.bank = :bank AND r.repeated AND h.day = :day
UNION
SELECT r.bank_transaction_id FROM statement_line r
JOIN statement_line l ON l.bank = r.bank AND l.bank_transaction_id = r.bank_transaction_id
WHERE r.bank = :bank AND r.repeated AND l.day = :day AND l.movement = {credit}

-- name: agency_candidates
-- Obligations, by the agency's reference, whose receipt and ledger entry of the day do not pair off at sight, or that
-- are booked more than once. OFFSET 0 keeps the planner from looking up orders before it knows which are few.
SELECT b.reference AS case_key
FROM (
    SELECT r.order_id FROM receipt r
    WHERE r.agency_id = :agency_id AND r.day = :day AND r.amount > 0 AND NOT EXISTS (
        SELECT FROM ledger_entry l
        WHERE l.agency_id = :agency_id AND l.day = :day AND NOT l.repeated
            AND l.order_id = r.order_id AND l.amount = r.amount AND l.currency = r.currency)
    OFFSET 0
) AS unpaired
JOIN payment_order p ON p.id = unpaired.order_id
JOIN obligation b ON b.id = p.obligation_id
UNION
SELECT l.case_key FROM ledger_entry l
WHERE l.agency_id = :agency_id AND l.day = :day AND NOT EXISTS (
    SELECT FROM receipt r
    WHERE r.agency_id = :agency_id AND r.day = :day AND r.amount > 0 AND NOT l.repeated
        AND r.order_id = l.order_id AND r.amount = l.amount AND r.currency = l.currency)
UNION
SELECT e.case_key FROM ledger_entry e
JOIN ledger_entry l ON l.agency_id = e.agency_id AND l.case_key = e.case_key
WHERE e.agency_id = :agency_id AND e.repeated AND l.day = :day
UNION
SELECT e.case_key FROM ledger_entry e
JOIN obligation b ON b.agency_id = e.agency_id AND b.reference = e.case_key
JOIN payment_order p ON p.obligation_id = b.id
JOIN receipt r ON r.order_id = p.id
WHERE e.agency_id = :agency_id AND e.repeated AND r.day = :day

-- name: money_candidates
-- Orders, and collections without an order, whose money moved in or out of suspense or overpayment on the day or in
-- the night after it, when statements are read; and orders with conflicting confirmations. A case is an order, or a
-- bank's transaction, in one currency.
SELECT o.reference || CASE p.currency WHEN o.currency THEN '' ELSE ' ' || p.currency END AS case_key
FROM posting p JOIN payment_order o ON o.id = p.order_id
WHERE p.day BETWEEN :day AND CAST(:day AS date) + 1 AND (p.debit IN {open_accounts} OR p.credit IN {open_accounts})
UNION
SELECT c.bank || ':' || c.bank_transaction_id || ' ' || p.currency
FROM posting p JOIN collection c ON p.source_type = 'collection' AND c.id = p.source_id AND c.order_id IS NULL
WHERE p.day BETWEEN :day AND CAST(:day AS date) + 1 AND p.order_id IS NULL
UNION
SELECT o.reference FROM confirmation c JOIN payment_order o ON o.id = c.order_id
WHERE c.disposition = {conflict} AND c.judged_at >= :starts_at AND c.judged_at < :ends_at
UNION
SELECT o.reference FROM payment_attempt a JOIN payment_order o ON o.id = a.order_id
WHERE a.contradicted AND a.changed_at >= :starts_at AND a.changed_at < :ends_at

-- name: open_candidates
-- Cases that earlier nights left open, as long as they live. Those that a run of this very day has resolved are
-- compared too, so that the same day compared again has the same cases.
INSERT INTO candidate
SELECT d.case_key FROM discrepancy d
JOIN finding f ON f.id = d.finding_id
JOIN reconciliation_run r ON r.id = f.run_id
LEFT JOIN reconciliation_run h ON h.id = d.auto_resolved_by
WHERE d.scope = :scope AND r.day <= :day AND (d.state IN {live} OR h.day = :day) AND d.kind NOT IN {file_kinds}
EXCEPT SELECT case_key FROM candidate

-- name: bank_items
-- Every item of the candidates, of whatever day. A refund that is not done, or that is a transfer, is an item only
-- where a debit shows it, and has no day of its own. Money that left may stand in the next day's statement too.
SELECT 'hub' AS book, k.case_key, h.day, h.amount, h.currency, h.order_id, h.agency_id,
    NOT EXISTS (SELECT FROM statement_file f
                WHERE f.bank = :bank AND f.day = h.day AND f.state = {accepted}) AS file_pending,
    false AS refund_failed
FROM candidate k JOIN collection h ON h.bank = :bank AND h.bank_transaction_id = k.case_key
UNION ALL
SELECT 'bank', k.case_key, l.day, l.amount, l.currency, NULL, NULL, false, false
FROM candidate k
JOIN statement_line l ON l.bank = :bank AND l.bank_transaction_id = k.case_key AND l.movement = {credit}
UNION ALL
SELECT 'bank_debit', k.case_key, d.day, d.amount, d.currency, NULL, NULL, false, false
FROM candidate k JOIN debit_case d ON d.case_key = k.case_key
UNION ALL
SELECT 'outflow', k.case_key, o.day, o.amount, o.currency, o.order_id, o.agency_id,
    2 > (SELECT count(DISTINCT f.day) FROM statement_file f
         WHERE f.bank = :bank AND f.day IN (o.day, o.day + 1) AND f.state = {accepted} AND f.shows_debits), o.failed
FROM candidate k JOIN outflow o ON o.case_key = k.case_key
WHERE o.day IS NOT NULL OR EXISTS (SELECT FROM debit_case d WHERE d.case_key = k.case_key)

-- name: agency_items
-- Every item of the candidates, of whatever day. An order of nothing has a receipt that no agency books.
SELECT 'hub' AS book, k.case_key, r.day, r.amount, r.currency, r.order_id, r.agency_id,
    NOT EXISTS (SELECT FROM ledger_file f
                WHERE f.agency_id = :agency_id AND f.day = r.day AND f.state = {accepted}) AS file_pending,
    false AS refund_failed
FROM candidate k
JOIN obligation b ON b.agency_id = :agency_id AND b.reference = k.case_key
JOIN payment_order p ON p.obligation_id = b.id
JOIN receipt r ON r.order_id = p.id AND r.amount > 0
UNION ALL
SELECT 'agency', k.case_key, l.day, l.amount, l.currency, l.order_id, l.agency_id, false, false
FROM candidate k JOIN ledger_entry l ON l.agency_id = :agency_id AND l.case_key = k.case_key

-- name: money_items
-- What the ledger still keeps of each candidate, one row a case, with the order's facts.
SELECT 'ledger' AS book, k.case_key, o.id AS order_id, o.reference AS order_reference, o.agency_id, m.day, m.currency,
    m.suspense + m.overpayment AS amount, m.suspense, m.overpayment, m.collections, o.required, o.received,
    o.conflict OR EXISTS (SELECT FROM payment_attempt a WHERE a.order_id = o.id AND a.contradicted) AS conflict,
    m.currency <> o.currency AS foreign_currency,
    b.settled_by IS NOT NULL AND b.settled_by <> o.id AS settled_elsewhere,
    b.settled_by = o.id AS settled_here
FROM candidate k
JOIN payment_order o ON o.reference = split_part(k.case_key, ' ', 1)
JOIN obligation b ON b.id = o.obligation_id
JOIN LATERAL (
    SELECT max(p.day) AS day, coalesce(nullif(split_part(k.case_key, ' ', 2), ''), o.currency) AS currency,
        coalesce(sum(CASE {suspense} WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount END), 0)::bigint
            AS suspense,
        coalesce(sum(CASE {overpayment} WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount END), 0)::bigint
            AS overpayment,
        count(DISTINCT p.source_id) FILTER (WHERE p.source_type = 'collection')::int AS collections
    FROM posting p
    WHERE p.order_id = o.id AND p.currency = coalesce(nullif(split_part(k.case_key, ' ', 2), ''), o.currency)
) m ON true
UNION ALL
SELECT 'ledger', k.case_key, NULL, NULL, NULL, p.day, p.currency, p.amount, p.amount, 0, 1, NULL, NULL, NULL, NULL,
    NULL, NULL
FROM candidate k
JOIN collection c ON c.bank = split_part(k.case_key, ':', 1) AND c.order_id IS NULL
    AND k.case_key = c.bank || ':' || c.bank_transaction_id || ' ' || c.currency
JOIN posting p ON p.source_type = 'collection' AND p.source_id = c.id

-- name: two_sided_cases
-- One row a case of a bank or an agency: what each side has of it, and the kind of the first rule that holds. A case
-- whose only items in the hub are refunds or chargebacks is compared with the debits; debits of any other case are
-- explained by nothing. A case without a kind whose other side is still to come waits.
WITH counted AS (
    SELECT i.case_key, max(i.day) AS day, max(i.agency_id) AS agency_id, max(o.reference) AS order_reference,
        count(*) FILTER (WHERE book IN ('hub', 'outflow'))::int AS hub_items,
        coalesce(sum(amount) FILTER (WHERE book IN ('hub', 'outflow')), 0)::bigint AS hub_amount,
        min(i.currency) FILTER (WHERE book IN ('hub', 'outflow')) AS hub_currency,
        count(*) FILTER (WHERE book IN ('bank', 'agency'))::int AS credits,
        coalesce(sum(amount) FILTER (WHERE book IN ('bank', 'agency')), 0)::bigint AS credit_amount,
        min(i.currency) FILTER (WHERE book IN ('bank', 'agency')) AS credit_currency,
        count(*) FILTER (WHERE book = 'bank_debit')::int AS debits,
        coalesce(sum(amount) FILTER (WHERE book = 'bank_debit'), 0)::bigint AS debit_amount,
        min(i.currency) FILTER (WHERE book = 'bank_debit') AS debit_currency,
        count(*) FILTER (WHERE book = 'outflow')::int AS outflows,
        count(*) FILTER (WHERE book IN ('hub', 'bank', 'agency'))::int AS inflows,
        bool_or(file_pending) AS file_pending, bool_or(refund_failed) AS refund_failed
    FROM item i LEFT JOIN payment_order o ON o.id = i.order_id
    GROUP BY i.case_key
),
laid_out AS (
    SELECT case_key, day, agency_id, order_reference, file_pending, refund_failed,
        outflows > 0 AND inflows = 0 AS is_outflow,
        CASE WHEN outflows > 0 AND inflows = 0 THEN 0 ELSE debits + outflows END AS unexplained_debits,
        hub_items, hub_amount, hub_currency,
        CASE WHEN debits > 0 THEN debits ELSE credits END AS other_items,
        CASE WHEN debits > 0 THEN debit_amount ELSE credit_amount END AS other_amount,
        CASE WHEN debits > 0 THEN debit_currency ELSE credit_currency END AS other_currency
    FROM counted
),
named AS (
    SELECT *, CASE CAST(:side AS text) WHEN 'bank' THEN {bank_kind} ELSE {agency_kind} END AS kind FROM laid_out
)
SELECT *, kind IS NULL AND hub_items > other_items AS waits FROM named

-- name: money_cases
-- One row a case of money in suspense or overpaid, and the kind of the first rule that holds.
SELECT case_key, day, agency_id, order_reference, collections AS hub_items, amount AS hub_amount,
    currency AS hub_currency, (order_id IS NOT NULL)::int AS other_items, coalesce(required, 0) AS other_amount,
    currency AS other_currency, {money_kind} AS kind, false AS waits
FROM item

-- name: digest
-- A fingerprint of all items, independent of the order in which they were stored.
SELECT count(*), sum(hashtextextended(item::text, 0)::numeric)::text,
    sum(hashtextextended(item::text, 1)::numeric)::text
FROM item

-- name: item_counts
-- What became of the items, by book and currency. The casts keep the result's types the same for all scopes: the
-- driver prepares the statement once for all of them.
SELECT i.book::text, i.currency::text,
    CASE WHEN c.kind IS NOT NULL THEN 'discrepant' WHEN c.waits THEN 'open' ELSE 'matched' END AS became,
    coalesce(i.day = :day, false), count(*), coalesce(sum(i.amount), 0)::bigint
FROM item i JOIN compared_case c ON c.case_key = i.case_key
GROUP BY 1, 2, 3, 4

-- name: bank_items_of_the_day
-- All items of the day of a bank: book, currency, how many, how much.
SELECT 'hub' AS book, currency, count(*) AS items, sum(amount)::bigint AS amount
FROM collection WHERE bank = :bank AND day = :day GROUP BY currency
UNION ALL
SELECT CASE movement WHEN {credit} THEN 'bank' WHEN {debit} THEN 'bank_debit' ELSE 'bank_fee' END, currency, count(*),
    sum(amount)::bigint
FROM statement_line WHERE bank = :bank AND day = :day GROUP BY movement, currency
UNION ALL
SELECT 'outflow', currency, count(*), sum(amount)::bigint FROM (
    SELECT currency, amount FROM refund
    WHERE bank = :bank AND route = {by_bank} AND state = {succeeded}
        AND changed_at >= :starts_at AND changed_at < :ends_at
    UNION ALL
    SELECT currency, amount FROM chargeback WHERE bank = :bank AND stated_at >= :starts_at AND stated_at < :ends_at
) AS outflow_of_the_day GROUP BY currency

-- name: agency_items_of_the_day
-- All items of the day of an agency: book, currency, how many, how much.
SELECT 'hub' AS book, currency, count(*) AS items, sum(amount)::bigint AS amount
FROM receipt WHERE agency_id = :agency_id AND day = :day AND amount > 0 GROUP BY currency
UNION ALL
SELECT 'agency', currency, count(*), sum(amount)::bigint
FROM ledger_entry WHERE agency_id = :agency_id AND day = :day GROUP BY currency

-- name: bank_files
-- The statements of the day.
SELECT encode(sha256, 'hex') AS sha256, state, reason, lines FROM statement_file
WHERE bank = :bank AND day = :day ORDER BY sha256

-- name: agency_files
-- The ledgers of the day.
SELECT encode(sha256, 'hex') AS sha256, state, reason, lines FROM ledger_file
WHERE agency_id = :agency_id AND day = :day ORDER BY sha256
