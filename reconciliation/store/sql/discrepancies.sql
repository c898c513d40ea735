-- name: discrepancies
-- Discrepancies that the caller may see, newest first. A filter that is NULL lets everything through.
SELECT d.*, f.run_id AS detected_by, f.case_key, f.kind, f.day AS finding_day, a.code AS agency, f.order_reference,
    f.hub_items, f.hub_amount, f.hub_currency, f.other_items, f.other_amount, f.other_currency, f.detail
FROM discrepancy d
JOIN finding f ON f.id = d.finding_id
LEFT JOIN agency a ON a.id = d.agency_id
WHERE (CAST(:visible_agency AS bigint) IS NULL OR d.agency_id = :visible_agency)
    AND (CAST(:number AS bigint) IS NULL OR d.id = :number)
    AND (CAST(:scope AS text) IS NULL OR d.scope = :scope)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:kind AS text) IS NULL OR d.kind = :kind)
    AND (CAST(:state AS text) IS NULL OR d.state = :state)
    AND (CAST(:day_from AS date) IS NULL OR d.day >= :day_from)
    AND (CAST(:day_to AS date) IS NULL OR d.day <= :day_to)
    AND (CAST(:after AS bigint) IS NULL OR d.id < :after)
ORDER BY d.id DESC LIMIT :limit

-- name: history
-- Everything that happened to a discrepancy, oldest first.
SELECT event, actor, happened_at, run_id AS run, decision, reason FROM discrepancy_event
WHERE discrepancy_id = :number ORDER BY id
