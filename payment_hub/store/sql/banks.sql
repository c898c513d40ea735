-- name: read_states
-- The breakers of all banks, and the downtimes that are announced for now or the next day.
SELECT
    (SELECT coalesce(json_agg(h), '[]') FROM bank_health h) AS health,
    (SELECT coalesce(json_agg(d ORDER BY d.starts_at), '[]') FROM (
        SELECT bank, operation, starts_at, ends_at, reason FROM bank_downtime
        WHERE cancelled_at IS NULL AND ends_at > :now AND starts_at < :soon) d) AS downtimes

-- name: list_downtimes
-- The announced downtimes that are not over, the next one first.
SELECT id, bank, operation, starts_at, ends_at, reason, announced_by FROM bank_downtime
WHERE cancelled_at IS NULL AND ends_at > :now ORDER BY starts_at, id
