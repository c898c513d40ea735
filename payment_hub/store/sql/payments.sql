-- name: banks_due
-- The banks with an attempt that is due for a query. It goes from bank to bank by the index, so that it costs the same
-- however many attempts wait.
WITH RECURSIVE named AS (
    (SELECT bank FROM payment_attempt WHERE {due} ORDER BY bank LIMIT 1)
    UNION ALL
    SELECT (SELECT bank FROM payment_attempt WHERE {due} AND bank > named.bank ORDER BY bank LIMIT 1)
    FROM named WHERE named.bank IS NOT NULL
)
SELECT bank, first.query_at FROM named, LATERAL (
    SELECT query_at FROM payment_attempt p WHERE {due} AND p.bank = named.bank ORDER BY query_at LIMIT 1
) first WHERE first.query_at <= :now

-- name: claim_due
-- Claim the attempt of one bank that has been due for the longest time. The next query is put off to the lease's end.
-- MATERIALIZED: a subquery in FROM may run once for each row of the other side, and would claim one attempt each time.
WITH due AS MATERIALIZED (
    SELECT id FROM payment_attempt WHERE bank = :bank AND {due} AND query_at <= :now
    ORDER BY query_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE payment_attempt p SET query_at = :leased_until, queried_at = :now FROM due WHERE p.id = due.id
RETURNING {claimed}

-- name: claim_of_order
-- Claim the attempts of one order that must be queried before anything else is done with it. Their timers stay.
WITH due AS MATERIALIZED (
    SELECT id FROM payment_attempt
    WHERE order_id = (SELECT id FROM payment_order WHERE reference = :reference)
        AND (queried_at IS NULL OR queried_at <= :just_queried OR queried_at > :now)
        AND (state = {unknown} OR state = {submitting} AND query_at <= :now OR {awaiting}
            OR state = {pending} AND bank <> :leaving_for)
    FOR UPDATE SKIP LOCKED
)
UPDATE payment_attempt p SET queried_at = :now FROM due WHERE p.id = due.id
RETURNING {claimed}

-- name: schedule_query
-- Set when the bank is queried next. A moment that was set after the claim stays: a callback wants a query at once.
-- An unanswered attempt becomes UNKNOWN; instructions that no payer followed are given up.
UPDATE payment_attempt SET queries = queries + CAST(:counts AS int),
    query_at = CASE WHEN query_at = :leased_until THEN CAST(:next_at AS timestamptz) ELSE query_at END,
    unknown_at = CASE WHEN state IN {unanswered} THEN coalesce(unknown_at, :now) ELSE unknown_at END,
    expected_by = CASE WHEN state IN {unanswered} THEN coalesce(expected_by, :expected_by) ELSE expected_by END,
    escalated_at = coalesce(escalated_at, CASE WHEN :overdue AND (state = {unknown} OR {awaiting})
        THEN CAST(:now AS timestamptz) END),
    state = CASE WHEN :give_up AND awaiting IS NULL AND state IN {given_up}
        THEN {state_after_give_up} ELSE {state_after_no_answer} END
WHERE id = :id AND (state IN {under_way} OR {awaiting})

-- name: hold
-- Record that the bank holds money for the attempt. No row comes back while another process takes or cancels it.
UPDATE payment_attempt SET awaiting = {capture},
    moving_until = coalesce(CAST(:until AS timestamptz), moving_until),
    unknown_at = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL THEN unknown_at ELSE :now END,
    expected_by = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL THEN expected_by ELSE :expected_by END,
    resolved_at = NULL
WHERE id = :id AND state NOT IN {decided} AND awaiting IS DISTINCT FROM {confirmation}
    AND (moving_until IS NULL OR moving_until <= :now OR moving_until > :longest)
RETURNING id

-- name: awaited_amounts
-- What the bank's callbacks say that was paid by an attempt, as long as a query has to confirm it.
SELECT amount, currency FROM confirmation
WHERE order_id = :order AND attempt_id = :attempt AND verdict = {needs_inquiry} AND amount IS NOT NULL

-- name: list_unresolved
-- The attempts without the outcome that they should have, the oldest first, as far as the caller may see them.
SELECT p.id, p.reference, o.reference AS order_reference, a.code AS agency, p.bank, p.state, p.awaiting, p.amount,
    p.currency, p.queries, p.query_at, coalesce(p.unknown_at, p.started_at) AS unknown_at, p.escalated_at
FROM payment_attempt p JOIN payment_order o ON o.id = p.order_id JOIN agency a ON a.id = o.agency_id
WHERE p.id IN ({unresolved}) AND (CAST(:agency AS bigint) IS NULL OR o.agency_id = :agency)
    AND (CAST(:portal AS bigint) IS NULL OR o.portal_id = :portal)
    AND (NOT :overdue OR p.escalated_at IS NOT NULL) AND p.id > :after
ORDER BY p.id LIMIT :limit

-- name: unresolved_by_bank
-- For each bank: how many outcomes are unknown, how many of them are escalated to officers, and since when.
SELECT bank, count(*) AS open, count(escalated_at) AS overdue, min(unknown_at) AS oldest_at
FROM payment_attempt WHERE id IN ({unresolved}) GROUP BY bank

-- name: resolved_by_bank
-- For each bank: the seconds from unknown to resolved of the latest attempts, and how many were resolved in time.
SELECT bank, array_agg(seconds) AS waits, count(*) FILTER (WHERE kept) AS kept FROM (
    SELECT bank, extract(epoch FROM coalesce(resolved_at, changed_at) - unknown_at)::int AS seconds,
        coalesce(resolved_at, changed_at) <= expected_by AS kept
    FROM payment_attempt
    WHERE unknown_at IS NOT NULL AND changed_at > :since
        AND (resolved_at IS NOT NULL OR state = {succeeded}
            OR state = {failed} AND awaiting IS DISTINCT FROM {confirmation})
    ORDER BY changed_at DESC LIMIT :most
) resolved GROUP BY bank

-- name: count_overdue
-- How many unknown outcomes are escalated to officers.
SELECT count(escalated_at) FROM payment_attempt WHERE id IN ({unresolved})

-- name: key_use
-- When a bank last signed with its current key and with the one before.
SELECT
    (SELECT judged_at FROM confirmation WHERE bank = :bank AND key = 0
        AND id > (SELECT coalesce(max(id), 0) - :looked_through FROM confirmation) ORDER BY id DESC LIMIT 1)
        AS current_at,
    (SELECT max(judged_at) FROM confirmation WHERE bank = :bank AND key = 1) AS previous_at
