-- name: count_work
-- How much work waits, each figure from a partial index.
SELECT
    (SELECT count(*) FROM payment_order WHERE is_open) AS open_orders,
    (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'payment_order'::regclass) AS orders_estimated,
    (SELECT count(*) FROM webhook WHERE state = {webhook_pending}) AS webhooks_pending,
    (SELECT count(*) FROM webhook WHERE state = {webhook_dead}) AS webhooks_dead,
    (SELECT min(e.occurred_at) FROM webhook w JOIN event e ON e.id = w.event_id WHERE w.state = {webhook_pending})
        AS oldest_webhook_at,
    (SELECT count(*) FROM payment_attempt WHERE state IN {under_way} AND state = {attempt_unknown})
        AS attempts_unknown,
    (SELECT count(*) FROM refund WHERE state = {refund_proposed}) AS refunds_proposed,
    (SELECT count(*) FROM refund WHERE state = {refund_unknown}) AS refunds_unknown,
    (SELECT count(escalated_at) FROM refund WHERE state IN {refund_sent}) AS refunds_overdue,
    (SELECT count(*) FROM chargeback WHERE excess > 0) AS chargebacks_in_excess,
    (SELECT count(*) FROM callback c WHERE c.verified AND c.received_at > :since AND c.received_at < :before
        AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)) AS callbacks_unjudged,
    to_regclass('discrepancy') IS NOT NULL AS has_discrepancies

-- name: count_discrepancies
-- How many discrepancies are not resolved. The states are reconciliation's, which the hub does not import; the statement
-- runs only where its tables exist.
SELECT count(*) FROM discrepancy WHERE state IN ('OPEN', 'PROPOSED')
