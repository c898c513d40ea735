-- name: claim
-- Claim due webhooks until the lease ends. No portal gets more than its share of a batch, so that one with a long
-- backlog does not hold up the others; rows that another worker is claiming are passed over.
WITH due AS MATERIALIZED (
    SELECT turn.event_id
    FROM portal CROSS JOIN LATERAL (
        SELECT event_id, due_at FROM webhook
        WHERE webhook.portal_id = portal.id AND state = {pending} AND due_at <= :now
        ORDER BY due_at, event_id LIMIT :share FOR UPDATE SKIP LOCKED) AS turn
    ORDER BY turn.due_at, turn.event_id LIMIT :most)
UPDATE webhook SET due_at = :lease_ends FROM due WHERE webhook.event_id = due.event_id
RETURNING webhook.event_id
