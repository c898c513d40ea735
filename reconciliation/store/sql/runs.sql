-- name: lacking
-- Whether the day has no committed run, or its run did not have the other side's file, which may have come since.
SELECT NOT EXISTS (
    SELECT FROM reconciliation_run WHERE scope = :scope AND day = :day AND state IN {with_result}
) OR :file_may_have_come AND EXISTS (
    SELECT FROM discrepancy WHERE scope = :scope AND day = :day AND state IN {live} AND kind IN {file_kinds})

-- name: runs
-- Runs that the caller may see, newest first, with the number of findings of each kind. A filter that is NULL lets
-- everything through.
SELECT r.*, (
    SELECT coalesce(json_object_agg(kind, n ORDER BY kind), '{}') FROM (
        SELECT kind, count(*) AS n FROM finding WHERE run_id = coalesce(r.repeats, r.id) GROUP BY kind) AS kinds
) AS findings
FROM reconciliation_run r
WHERE (CAST(:visible_agency AS bigint) IS NULL OR r.agency_id = :visible_agency)
    AND (CAST(:run AS bigint) IS NULL OR r.id = :run)
    AND (CAST(:scope AS text) IS NULL OR r.scope = :scope)
    AND (CAST(:state AS text) IS NULL OR r.state = :state)
    AND (CAST(:day_from AS date) IS NULL OR r.day >= :day_from)
    AND (CAST(:day_to AS date) IS NULL OR r.day <= :day_to)
    AND (CAST(:after AS bigint) IS NULL OR r.id < :after)
ORDER BY r.id DESC LIMIT :limit

-- name: agencies_of_a_night
-- Agencies with receipts of the day, and all that have ever delivered a ledger, now or before.
SELECT a.code, a.id FROM agency a
WHERE EXISTS (SELECT FROM receipt r WHERE r.agency_id = a.id AND r.day = :day)
    OR EXISTS (SELECT FROM ledger_file f WHERE f.agency_id = a.id)
    OR a.code = ANY(CAST(:delivered AS text[]))
ORDER BY a.code

-- name: first_day
-- The first day of which the hub has any money facts.
SELECT min(day) FROM (SELECT min(day) AS day FROM collection UNION ALL SELECT min(day) FROM receipt) AS firsts
