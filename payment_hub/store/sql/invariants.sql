-- name: I1
-- An order's stored status is the one that its facts give.
SELECT reference, status, derived FROM (
    SELECT o.reference, o.status, {status} AS derived FROM (
        SELECT p.reference, p.status, p.required, p.cancelled_at, p.expired_at,
            coalesce((SELECT sum(r.amount) FROM refund r
                WHERE r.order_id = p.id AND r.state = {refund_succeeded}), 0)
            + coalesce((SELECT sum(k.amount - k.excess) FROM chargeback k
                WHERE k.order_id = p.id), 0) AS refunded,
            coalesce((SELECT sum(c.amount) FROM collection c
                WHERE c.order_id = p.id AND c.currency = p.currency), 0) AS received
        FROM payment_order p
    ) o
) judged WHERE status <> derived

-- name: I2
-- Money that is refunded or reserved for refunds never exceeds what was received.
SELECT reference, received, refunded, held_refund FROM payment_order
WHERE refunded < 0 OR held_refund < 0 OR refunded + held_refund > received

-- name: I3
-- An order's received sum is that of the distinct bank transactions, and accepted the sum of those that may settle.
SELECT o.reference, o.received, o.accepted, sum(c.amount) AS collected FROM payment_order o
LEFT JOIN collection c ON c.order_id = o.id AND c.currency = o.currency
GROUP BY o.id
HAVING o.received <> coalesce(sum(c.amount), 0)
    OR o.accepted <> coalesce(sum(c.amount) FILTER (WHERE c.accepted), 0)

-- name: I3-flags
-- An order is marked late, or as having money in another currency, exactly when such money came for it.
SELECT o.reference, o.late, o.other_currency FROM payment_order o
LEFT JOIN collection c ON c.order_id = o.id
GROUP BY o.id
HAVING o.late <> coalesce(bool_or(c.late), false)
    OR o.other_currency <> coalesce(bool_or(c.currency <> o.currency), false)

-- name: I4
-- At most one attempt of an order is under way.
SELECT order_id, count(*) FROM payment_attempt WHERE state IN {under_way}
GROUP BY order_id HAVING count(*) > 1

-- name: I5
-- An attempt's reference is its order's with its own number, stored before the bank is called.
SELECT p.reference FROM payment_attempt p JOIN payment_order o ON o.id = p.order_id
WHERE p.reference <> o.reference || '-' || p.number

-- name: I6
-- Every attempt that is unanswered, or awaits a confirmation or capture, is queried again and again.
SELECT reference, state, awaiting, query_at FROM payment_attempt
WHERE (state IN {unanswered} OR {awaiting})
    AND query_at < CAST(:now AS timestamptz) - interval '1 hour'

-- name: I6-officer
-- An outcome that is unknown for three days is escalated to officers.
SELECT reference, state, unknown_at FROM payment_attempt
WHERE (state = {attempt_unknown} OR {awaiting}) AND escalated_at IS NULL
    AND coalesce(unknown_at, started_at) < CAST(:now AS timestamptz) - interval '3 days'

-- name: I6-money
-- No attempt has succeeded for which its bank has collected nothing.
SELECT p.reference, p.bank FROM payment_attempt p
WHERE p.state = {attempt_succeeded}
    AND NOT EXISTS (SELECT FROM collection c WHERE c.order_id = p.order_id AND c.bank = p.bank)

-- name: I7
-- Every verified callback is judged within ten minutes.
SELECT c.id, c.bank, c.received_at FROM callback c
WHERE c.verified AND c.received_at < CAST(:now AS timestamptz) - interval '10 minutes'
    AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)

-- name: I8
-- A bank's event that is repeated with other content is kept as a conflict, and applied once.
SELECT bank, event_id, count(DISTINCT digest) AS contents FROM confirmation
WHERE disposition <> {duplicate} GROUP BY bank, event_id
HAVING count(*) FILTER (WHERE disposition IN {applied}) > 1

-- name: I9
-- An unverified callback never becomes a confirmation.
SELECT f.id, c.bank FROM confirmation f JOIN callback c ON c.id = f.callback_id WHERE NOT c.verified

-- name: I12
-- All that a bank collected is debited to its clearing account, no more and no less.
SELECT c.id, c.bank, c.amount, coalesce(sum(p.amount), 0) AS posted FROM collection c
LEFT JOIN posting p ON p.source_type = 'collection' AND p.source_id = c.id AND p.debit = {bank_clearing}
    AND (p.bank, p.currency) = (c.bank, c.currency)
GROUP BY c.id HAVING c.amount <> coalesce(sum(p.amount), 0)

-- name: I13
-- A reversal mirrors the posting that it reverses.
SELECT r.id FROM posting r JOIN posting p ON p.id = r.reverses
WHERE (r.debit, r.credit, r.amount, r.currency) IS DISTINCT FROM (p.credit, p.debit, p.amount, p.currency)

-- name: I14
-- A bank's clearing account holds what it collected, less what left it.
SELECT coalesce(held.bank, expected.bank) AS bank, held.amount AS in_ledger, expected.amount AS expected FROM (
    SELECT bank, currency, sum(CASE WHEN debit = {bank_clearing} THEN amount ELSE -amount END) AS amount
    FROM posting WHERE {bank_clearing} IN (debit, credit) GROUP BY bank, currency
) held FULL JOIN (
    SELECT bank, currency, sum(amount) AS amount FROM (
        SELECT bank, currency, amount FROM collection
        UNION ALL
        SELECT bank, currency, -amount FROM refund WHERE state = {refund_succeeded} 
            AND route IN {from_collecting_bank}
        UNION ALL
        SELECT bank, currency, excess - amount FROM chargeback
        UNION ALL
        SELECT p.bank, p.currency, CASE WHEN p.debit = {bank_clearing} THEN -p.amount ELSE p.amount END
        FROM posting v JOIN posting p ON p.id = v.reverses WHERE {bank_clearing} IN (p.debit, p.credit)
    ) facts GROUP BY bank, currency
) expected ON expected.bank = held.bank AND expected.currency = held.currency
WHERE coalesce(held.amount, 0) <> coalesce(expected.amount, 0)

-- name: I16
-- Each change of an order has exactly one event, numbered without gaps, and the last one shows the order's present
-- state.
SELECT o.reference, o.sequence, count(e.id) AS events FROM payment_order o
LEFT JOIN event e ON e.order_id = o.id GROUP BY o.id
HAVING count(e.id) <> o.sequence OR max(e.sequence) <> o.sequence OR NOT coalesce(
    bool_and(e.data ->> 'status' = o.status AND e.data -> 'received' ->> 'amount' = o.received::text)
        FILTER (WHERE e.sequence = o.sequence), false)

-- name: I16-webhooks
-- Every webhook ends, or is tried again when it is due.
SELECT event_id, state, due_at FROM webhook
WHERE state = {webhook_pending} AND due_at < CAST(:now AS timestamptz) - interval '1 day'

-- name: R1
-- Receipt numbers of an agency's series and year have no gaps.
SELECT c.agency_id, c.series, c.year, c.last, count(r.id) AS receipts FROM receipt_counter c
LEFT JOIN receipt r ON (r.agency_id, r.series, r.year) = (c.agency_id, c.series, c.year)
GROUP BY c.agency_id, c.series, c.year, c.last HAVING count(r.id) <> c.last OR max(r.number) <> c.last

-- name: R2
-- An order has a receipt exactly when it settled its obligation; the receipt shows the required amount, which was
-- received.
SELECT o.reference, r.number, b.settled_by FROM payment_order o
JOIN obligation b ON b.id = o.obligation_id LEFT JOIN receipt r ON r.order_id = o.id
WHERE (r.id IS NOT NULL) <> coalesce(b.settled_by = o.id, false)
    OR (r.amount, r.currency, r.agency_id) IS DISTINCT FROM (o.required, o.currency, b.agency_id)
        AND r.id IS NOT NULL
    OR r.id IS NOT NULL AND o.accepted < o.required

-- name: R2-obligation
-- An obligation is settled by one of its own orders.
SELECT b.reference, b.settled_by FROM obligation b
LEFT JOIN payment_order o ON o.id = b.settled_by AND o.obligation_id = b.id
WHERE b.settled_by IS NOT NULL AND o.id IS NULL

-- name: R3
-- The debt to the agency for a settled order is the required amount, as far as it was not refunded or charged back.
SELECT o.reference, o.required, coalesce(sum(CASE WHEN p.credit = {agency_payable} THEN p.amount
        WHEN p.debit = {agency_payable} THEN -p.amount END), 0) AS payable
FROM payment_order o JOIN receipt r ON r.order_id = o.id
LEFT JOIN posting p ON p.order_id = o.id
WHERE NOT EXISTS (SELECT FROM posting v JOIN posting w ON w.id = v.reverses
    WHERE w.order_id = o.id AND w.source_type = 'collection')
GROUP BY o.id HAVING least(o.required, o.received - o.paid_back) <> coalesce(sum(
    CASE WHEN p.credit = {agency_payable} THEN p.amount
        WHEN p.debit = {agency_payable} THEN -p.amount END), 0)

-- name: R3-unsettled
-- The debt to the agency for an order that is not settled is at most the money that may settle it.
SELECT o.reference, o.accepted,
    sum(p.amount * CASE WHEN p.credit = {agency_payable} THEN 1 ELSE -1 END) AS payable
FROM payment_order o JOIN posting p ON p.order_id = o.id AND {agency_payable} IN (p.debit, p.credit)
WHERE NOT EXISTS (SELECT FROM receipt r WHERE r.order_id = o.id)
GROUP BY o.id HAVING o.accepted - o.paid_back_accepted < sum(
    p.amount * CASE WHEN p.credit = {agency_payable} THEN 1 ELSE -1 END)

-- name: V1
-- An obligation's versions have no gaps, the last one is its own, and says whether it is withdrawn.
SELECT b.reference, b.version, b.withdrawn, count(v.id) AS versions FROM obligation b
LEFT JOIN obligation_version v ON v.obligation_id = b.id
GROUP BY b.id
HAVING count(v.id) <> b.version OR coalesce(max(v.version), 0) <> b.version
    OR b.withdrawn <> coalesce(bool_or(v.event = {withdrawn}) FILTER (WHERE v.version = b.version), false)

-- name: I2-sums
-- An order's refunded and reserved sums are the sums of its refunds and chargebacks.
SELECT o.reference, o.refunded, o.held_refund, o.paid_back, sums.refunded AS expected
FROM payment_order o CROSS JOIN LATERAL ({sums}) sums
WHERE (o.refunded, o.held_refund, o.paid_back, o.paid_back_accepted, o.disputed)
    IS DISTINCT FROM (sums.refunded, sums.held_refund, sums.paid_back, sums.paid_back_accepted,
        sums.disputed)

-- name: I6-refunds
-- Every refund of unknown outcome is queried again and again.
SELECT reference, state, query_at FROM refund
WHERE state IN {queried}
    AND (query_at IS NULL OR query_at < CAST(:now AS timestamptz) - interval '1 hour')

-- name: I6-refunds-officer
-- A refund without an answer of its bank is escalated to officers.
SELECT reference, state, submitted_at FROM refund WHERE escalated_at IS NULL AND (
    state = {refund_unknown} AND submitted_at < CAST(:now AS timestamptz) - interval '3 days'
    OR state = {refund_pending} AND submitted_at < CAST(:now AS timestamptz) - interval '9 days'
    OR state = {refund_approved} AND route = {by_bank} AND changed_at < CAST(:now AS timestamptz) - interval '3 days')

-- name: I16-refunds
-- Each published step of a refund has exactly one event.
SELECT r.reference, published.steps, happened.steps AS expected FROM refund r
CROSS JOIN LATERAL (
    SELECT array_agg(upper(substr(e.type, 22)) ORDER BY upper(substr(e.type, 22))) AS steps FROM event e
    WHERE e.order_id = r.order_id AND e.type LIKE 'payment_order.refund_%'
        AND e.data -> 'refund' ->> 'reference' = r.reference
) published
CROSS JOIN LATERAL (
    SELECT array_agg(step ORDER BY step) AS steps FROM (
        SELECT DISTINCT CASE event WHEN {returned} THEN {refund_succeeded} ELSE event END AS step FROM refund_event f
        WHERE f.refund_id = r.id AND event IN {published_events}
    ) of
) happened
WHERE published.steps IS DISTINCT FROM happened.steps

-- name: I11
-- Refunds and chargebacks of a bank transaction never exceed the money that it brought to its own order.
SELECT c.id, c.bank, c.amount, sum(went.amount) AS went FROM collection c
JOIN (
    SELECT collection_id, order_id, amount, currency FROM refund WHERE state NOT IN {dropped}
    UNION ALL SELECT collection_id, order_id, amount - excess, currency FROM chargeback
) went ON went.collection_id = c.id
GROUP BY c.id
HAVING sum(went.amount) > c.amount
    OR bool_or((went.order_id, went.currency) IS DISTINCT FROM (c.order_id, c.currency))

-- name: I11-two-people
-- The approver of a refund is not its proposer, and no refund is sent without approval.
SELECT reference, proposed_by, approved_by, state FROM refund
WHERE approved_by = proposed_by OR approved_by IS NULL AND state NOT IN {not_approved}

-- name: I11-one-live
-- At most one refund of the same money for the same reason is under way.
SELECT collection_id, reason, count(*) FROM refund WHERE state IN {live}
GROUP BY collection_id, reason HAVING count(*) > 1

-- name: I11-history
-- A refund's state is that of the last event in its history.
SELECT r.reference, r.state FROM refund r
WHERE r.state IS DISTINCT FROM (
    SELECT e.state FROM refund_event e WHERE e.refund_id = r.id ORDER BY e.id DESC LIMIT 1)
    OR (SELECT e.event FROM refund_event e WHERE e.refund_id = r.id ORDER BY e.id LIMIT 1)
        IS DISTINCT FROM {proposed}

-- name: I12-refunds
-- A refund that is pending or done has left its accounts once, and one that is done has been paid once.
SELECT r.reference, r.state, moved.went, moved.paid FROM refund r CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount) FILTER (WHERE p.source_type = 'refund' AND p.credit = {refund_clearing}
            AND NOT EXISTS (SELECT FROM posting v WHERE v.reverses = p.id)), 0) AS went,
        coalesce(sum(p.amount) FILTER (WHERE p.source_type = 'refund_paid' AND p.debit = {refund_clearing}
            AND p.credit = CASE WHEN r.route IN {from_collecting_bank} THEN {bank_clearing}
                ELSE {settlement_cash} END), 0) AS paid
    FROM posting p WHERE p.source_type IN ('refund', 'refund_paid') AND p.source_id = r.id
) moved
WHERE moved.went <> CASE WHEN r.state IN {not_posted} THEN 0 ELSE r.amount END
    OR moved.paid <> CASE WHEN r.state = {refund_succeeded} THEN r.amount ELSE 0 END

-- name: I12-chargebacks
-- All that a bank charged back is credited to its clearing account, no more and no less.
SELECT k.id, k.bank, k.amount, coalesce(sum(p.amount), 0) AS posted FROM chargeback k
LEFT JOIN posting p ON p.source_type = 'chargeback' AND p.source_id = k.id AND p.credit = {bank_clearing}
    AND (p.bank, p.currency) = (k.bank, k.currency)
GROUP BY k.id HAVING k.amount - k.excess <> coalesce(sum(p.amount), 0)

-- name: I24
-- The balance of an order's accounts is the money received for it less the money paid back.
SELECT o.reference, o.received, o.paid_back, coalesce(held.amount, 0) AS in_ledger FROM payment_order o
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN p.credit IN {order_accounts} THEN p.amount ELSE 0 END
        - CASE WHEN p.debit IN {order_accounts} THEN p.amount ELSE 0 END) AS amount
    FROM posting p WHERE p.order_id = o.id AND p.currency = o.currency
) held ON true
WHERE o.received - o.paid_back <> coalesce(held.amount, 0) AND NOT {by_hand}

-- name: I24-refunds
-- The clearing account of refunds holds the money of refunds that are pending.
SELECT coalesce(held.currency, expected.currency) AS currency, held.amount AS in_ledger, expected.amount AS expected
FROM (
    SELECT currency, sum(CASE WHEN credit = {refund_clearing} THEN amount ELSE -amount END) AS amount
    FROM posting WHERE {refund_clearing} IN (debit, credit) GROUP BY currency
) held FULL JOIN (
    SELECT currency, sum(amount) AS amount FROM refund
    WHERE state IN {on_the_way} GROUP BY currency
) expected ON expected.currency = held.currency
WHERE coalesce(held.amount, 0) <> coalesce(expected.amount, 0)
