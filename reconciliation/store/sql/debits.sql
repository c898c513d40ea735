-- name: debit_table
-- Debit lines, with what each names: the most exact match level, the order, and the name.
CREATE TEMPORARY TABLE debit (
    id bigint, day date, transaction text, reference text, occurrence int, amount bigint, currency char(3),
    match_level int, order_id bigint, name text
) ON COMMIT DROP

-- name: touched_order_table
-- Orders all of whose refunds, chargebacks and debits are paired off, so that the result does not depend on the day.
CREATE TEMPORARY TABLE touched_order (order_id bigint) ON COMMIT DROP

-- name: paired_table
-- One debit, and the case of the refund or chargeback that it is.
CREATE TEMPORARY TABLE paired (debit_id bigint, case_key text) ON COMMIT DROP

-- name: lines_of_the_day
-- Debits of the day and of the candidates, each with all other debits of its transaction.
SELECT s.id FROM statement_line t
JOIN statement_line s ON s.bank = t.bank AND s.bank_transaction_id = t.bank_transaction_id AND s.movement = {debit}
WHERE t.bank = :bank AND t.day = :day AND t.movement = {debit}
UNION
SELECT s.id FROM candidate k
JOIN statement_line s ON s.bank = :bank AND s.bank_transaction_id = k.case_key AND s.movement = {debit}

-- name: lines_of_touched_orders
-- Every other line that may name a touched order; what it really names is looked up as for any line.
SELECT s.id FROM touched_order t JOIN refund r ON r.order_id = t.order_id
JOIN statement_line s ON s.refund_reference = r.reference
UNION
SELECT s.id FROM touched_order t JOIN refund r ON r.order_id = t.order_id
JOIN statement_line s ON s.bank = :bank AND s.bank_transaction_id = r.bank_refund_id
UNION
SELECT s.id FROM touched_order t JOIN chargeback k ON k.order_id = t.order_id
JOIN statement_line s ON s.bank = :bank AND s.bank_transaction_id = k.evidence
UNION
SELECT s.id FROM touched_order t JOIN collection c ON c.order_id = t.order_id
JOIN statement_line s ON s.bank = :bank AND s.bank_transaction_id = c.bank_transaction_id
UNION
SELECT s.id FROM touched_order t JOIN payment_order o ON o.id = t.order_id
JOIN statement_line s ON s.order_reference = o.reference

-- name: read_debits
-- What the unread lines name, the most exact thing first (domain/debits.py). A bank that gives a refund the id of the
-- payment has given it no id. A line that was not read for its own day counts only if it names a touched order.
INSERT INTO debit
SELECT l.id, l.day, l.bank_transaction_id, l.reference, l.occurrence, l.amount, l.currency, n.match_level, n.order_id,
    CASE n.match_level WHEN 1 THEN l.refund_reference WHEN 4 THEN '' ELSE l.bank_transaction_id END
FROM unread_line u
JOIN statement_line l ON l.id = u.id AND l.bank = :bank AND l.movement = {debit}
LEFT JOIN LATERAL (
    SELECT match_level, min(order_id) AS order_id FROM (
        SELECT 1 AS match_level, r.order_id FROM refund r WHERE r.bank = :bank AND r.reference = l.refund_reference
        UNION ALL
        SELECT 2, r.order_id FROM refund r JOIN collection c ON c.id = r.collection_id
        WHERE r.bank = :bank AND r.bank_refund_id = l.bank_transaction_id
            AND c.bank_transaction_id <> l.bank_transaction_id
        UNION ALL
        SELECT 2, k.order_id FROM chargeback k JOIN collection c ON c.id = k.collection_id
        WHERE k.bank = :bank AND k.evidence = l.bank_transaction_id AND c.bank_transaction_id <> l.bank_transaction_id
        UNION ALL
        SELECT 3, c.order_id FROM collection c
        WHERE c.bank = :bank AND c.bank_transaction_id = l.bank_transaction_id AND c.order_id IS NOT NULL
        UNION ALL
        SELECT 4, o.id FROM payment_order o WHERE o.reference = l.order_reference
    ) AS names GROUP BY match_level ORDER BY match_level LIMIT 1
) n ON true
WHERE NOT EXISTS (SELECT FROM debit d WHERE d.id = l.id)
    AND (CAST(:of_the_day AS boolean) OR n.order_id IN (SELECT order_id FROM touched_order))

-- name: touch_orders
-- Orders that the debits name, and orders whose refunds or chargebacks are of the day, the day before, or candidates.
INSERT INTO touched_order
SELECT order_id FROM debit WHERE order_id IS NOT NULL
UNION SELECT order_id FROM refund
WHERE bank = :bank AND state = {succeeded} AND changed_at >= :starts_before AND changed_at < :ends_at
UNION SELECT order_id FROM chargeback WHERE bank = :bank AND stated_at >= :starts_before AND stated_at < :ends_at
UNION SELECT r.order_id FROM candidate k JOIN refund r ON r.reference = k.case_key AND r.bank = :bank
UNION SELECT b.order_id FROM candidate k
JOIN chargeback b ON b.bank = :bank AND k.case_key LIKE 'chargeback %' AND k.case_key = 'chargeback ' || b.id

-- name: outflows
-- Refunds and chargebacks of the touched orders. A refund has a day, on which a statement must show it, only if it
-- went through the bank and is done; an officer's transfer is made from whichever account. Done ones come first.
SELECT r.reference AS case_key, r.order_id, r.agency_id, r.amount, r.currency, c.bank_transaction_id AS transaction,
    r.reference, nullif(r.bank_refund_id, c.bank_transaction_id) AS bank_refund_id, r.id AS number,
    false AS chargeback, (coalesce(r.submitted_at, r.proposed_at) AT TIME ZONE {hub_time})::date AS sent_on,
    CASE WHEN r.state = {succeeded} AND r.route = {by_bank} THEN (r.changed_at AT TIME ZONE {hub_time})::date END
        AS day,
    CASE r.state WHEN {succeeded} THEN 0 WHEN {failed} THEN 2 ELSE 1 END AS certainty, r.state = {failed} AS failed,
    r.route = {by_bank} AND r.state IN {unresolved} AS unresolved
FROM touched_order t
JOIN refund r ON r.order_id = t.order_id AND r.bank = :bank
JOIN collection c ON c.id = r.collection_id
WHERE r.route = {by_bank} AND r.state IN {sent_by_bank} OR r.route = {by_transfer} AND r.state IN {sent_by_transfer}
UNION ALL
SELECT 'chargeback ' || k.id, k.order_id, c.agency_id, k.amount, k.currency, c.bank_transaction_id, NULL,
    nullif(k.evidence, c.bank_transaction_id), k.id, true, '-infinity', (k.stated_at AT TIME ZONE {hub_time})::date, 0,
    false, false
FROM touched_order t
JOIN chargeback k ON k.order_id = t.order_id AND k.bank = :bank
JOIN collection c ON c.id = k.collection_id

-- name: possible_matches
-- Every refund or chargeback that a debit may be by what it names. By the transaction or the order only one that had
-- been sent by then.
SELECT d.id AS debit_id, d.match_level, d.order_id, d.name, d.amount, d.currency, d.day, d.transaction, d.reference,
    d.occurrence, o.case_key, o.certainty, o.chargeback, o.number,
    o.amount = d.amount AND o.currency = d.currency AS same_amount
FROM debit d
JOIN outflow o ON o.order_id = d.order_id AND (d.match_level <= 2 OR d.day >= o.sent_on)
    AND d.name = CASE d.match_level WHEN 1 THEN o.reference WHEN 2 THEN o.bank_refund_id WHEN 3 THEN o.transaction
        ELSE '' END

-- name: pair
-- Of each group of equal debits, the first that is still free is paired off with the first that it may be.
INSERT INTO paired
SELECT DISTINCT ON (m.order_id, m.name, m.amount, m.currency) m.debit_id, m.case_key
FROM possible_match m
WHERE m.match_level = :match_level AND m.same_amount
    AND NOT EXISTS (SELECT FROM paired p WHERE p.debit_id = m.debit_id)
    AND NOT EXISTS (SELECT FROM paired p WHERE p.case_key = m.case_key)
ORDER BY m.order_id, m.name, m.amount, m.currency, m.day, m.transaction COLLATE "C", m.reference COLLATE "C",
    m.occurrence, m.certainty, m.chargeback, m.number

-- name: debit_cases
-- The case of each debit: of the refund or chargeback that it is; else of the one that it would be once too often or
-- in another amount; else its own transaction, which nothing explains.
SELECT d.id, d.day, d.amount, d.currency, coalesce(p.case_key, nearest.case_key, d.transaction) AS case_key
FROM debit d
LEFT JOIN paired p ON p.debit_id = d.id
LEFT JOIN LATERAL (
    SELECT m.case_key FROM possible_match m
    WHERE p.debit_id IS NULL AND m.debit_id = d.id AND (m.match_level <= 2 OR m.same_amount)
    ORDER BY m.same_amount DESC, m.certainty, m.chargeback, m.number LIMIT 1
) nearest ON true

-- name: outflow_candidates
-- Cases of the day's debits, refunds and chargebacks; and refunds of yesterday that no statement has shown yet.
INSERT INTO candidate
SELECT case_key FROM debit_case WHERE day = :day
UNION SELECT o.case_key FROM outflow o
WHERE o.day = :day
    OR o.day = CAST(:day AS date) - 1 AND NOT EXISTS (SELECT FROM debit_case d WHERE d.case_key = o.case_key)
EXCEPT SELECT case_key FROM candidate

-- name: unresolved_refunds
-- Refunds through the bank whose outcome is not known yet.
SELECT reference AS case_key FROM refund WHERE bank = :bank AND route = {by_bank} AND state IN {unresolved}

-- name: refund_evidence
-- Refunds that a debit proves or contradicts. One debit that may be any of several equal refunds proves none of them.
-- A contradiction is reported once.
SELECT o.number, d.transaction FROM paired p
JOIN outflow o ON o.case_key = p.case_key
JOIN debit d ON d.id = p.debit_id
WHERE o.unresolved AND NOT EXISTS (
        SELECT FROM outflow other
        WHERE d.match_level > 2 AND other.order_id = o.order_id
            AND (d.match_level = 4 OR other.transaction = o.transaction) AND NOT other.failed
            AND other.amount = o.amount AND other.currency = o.currency AND other.sent_on <= d.day
            AND NOT EXISTS (SELECT FROM paired q WHERE q.case_key = other.case_key))
    OR o.failed AND NOT EXISTS (
        SELECT FROM refund_event e
        WHERE e.refund_id = o.number AND e.event = {contradicted} AND e.code LIKE :statement_code || ' %')
ORDER BY o.number
