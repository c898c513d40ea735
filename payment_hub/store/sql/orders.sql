-- name: find_order
-- One order by its reference, if the caller may see it.
SELECT {columns} FROM payment_order o {joins} WHERE o.reference = :reference AND {visible}

-- name: list_orders
-- The orders that a caller may see, newest first.
SELECT {columns} FROM payment_order o {joins} WHERE {visible}
    AND (CAST(:status AS text) IS NULL OR o.status = :status)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:obligation AS text) IS NULL OR b.reference = :obligation)
    AND (CAST(:issued_from AS timestamptz) IS NULL OR o.issued_at >= :issued_from)
    AND (CAST(:issued_to AS timestamptz) IS NULL OR o.issued_at < :issued_to)
    AND (CAST(:after AS bigint) IS NULL OR o.id < :after)
ORDER BY o.id DESC LIMIT :limit

-- name: lock
-- Lock an order by its obligation, the one lock for all its orders, and raise the optimistic lock's version.
UPDATE obligation SET row_version = row_version + 1
WHERE id = (SELECT obligation_id FROM payment_order WHERE reference = :reference) RETURNING id

-- name: due_references
-- The open orders whose deadline has passed, the longest overdue first.
SELECT reference FROM payment_order WHERE is_open AND expires_at <= :now ORDER BY expires_at LIMIT :limit
