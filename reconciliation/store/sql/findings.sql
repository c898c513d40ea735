-- name: record_findings
-- A finding for every case that a rule has named.
INSERT INTO finding (run_id, case_key, kind, day, agency_id, order_reference, hub_items, hub_amount, hub_currency,
    other_items, other_amount, other_currency)
SELECT :run, case_key, kind, day, agency_id, order_reference, hub_items, hub_amount, hub_currency, other_items,
    other_amount, other_currency
FROM compared_case WHERE kind IS NOT NULL
ORDER BY case_key

-- name: record_file_finding
-- A finding about the files of the day, if a rule names one.
INSERT INTO finding (run_id, case_key, kind, day, agency_id, hub_items, hub_amount, other_items, other_amount, detail)
SELECT :run, :case_key, kind, :day, :agency_id, 0, 0, refused_files, 0, :detail
FROM (
    SELECT *, CASE CAST(:side AS text) WHEN 'bank' THEN {bank_file_kind} ELSE {agency_file_kind} END AS kind
    FROM (SELECT CAST(:accepted_files AS int) AS accepted_files, CAST(:refused_files AS int) AS refused_files) AS counted
) AS named
WHERE kind IS NOT NULL

-- name: unchanged
-- Discrepancies that are live or resolved by officers, and the finding of this run that has just the same figures.
SELECT d.id AS discrepancy_id, f.id AS finding_id
FROM finding f
JOIN discrepancy d ON d.scope = :scope AND d.case_key = f.case_key AND d.state IN {live_or_resolved}
JOIN finding k ON k.id = d.finding_id
WHERE f.run_id = :run
    AND (f.kind, f.hub_items, f.hub_amount, f.hub_currency, f.other_items, f.other_amount, f.other_currency, f.detail)
        IS NOT DISTINCT FROM
        (k.kind, k.hub_items, k.hub_amount, k.hub_currency, k.other_items, k.other_amount, k.other_currency, k.detail)

-- name: auto_resolve
-- Live discrepancies whose case was compared, and that this run has not found again with the same figures.
WITH resolved AS (
    UPDATE discrepancy d
    SET state = {auto_resolved}, auto_resolved_by = :run, closed_at = :at, version = d.version + 1
    WHERE d.scope = :scope AND d.state IN {live}
        AND (d.case_key IN (SELECT case_key FROM candidate) OR d.case_key = CAST(:file_case AS text))
        AND NOT EXISTS (SELECT FROM unchanged u WHERE u.discrepancy_id = d.id)
    RETURNING d.id
)
INSERT INTO discrepancy_event (discrepancy_id, event, actor, run_id, happened_at)
SELECT id, {auto_resolved_event}, 'run', :run, :at FROM resolved ORDER BY id

-- name: open_discrepancies
-- A discrepancy for every finding that is new. What officers have resolved stays resolved while the figures are the same.
WITH opened AS (
    INSERT INTO discrepancy (scope, case_key, finding_id, agency_id, day, kind, state, opened_at)
    SELECT :scope, f.case_key, f.id, f.agency_id, f.day, f.kind, {open}, :at
    FROM finding f
    WHERE f.run_id = :run AND NOT EXISTS (SELECT FROM unchanged u WHERE u.finding_id = f.id)
    ORDER BY f.id
    RETURNING id
)
INSERT INTO discrepancy_event (discrepancy_id, event, actor, run_id, happened_at)
SELECT id, {detected}, 'run', :run, :at FROM opened ORDER BY id

-- name: findings_of_a_run
-- What a run found, in the order in which it was recorded.
SELECT r.scope, f.case_key, f.kind, f.day AS finding_day, a.code AS agency, f.order_reference, f.hub_items,
    f.hub_amount, f.hub_currency, f.other_items, f.other_amount, f.other_currency, f.detail
FROM finding f
JOIN reconciliation_run r ON r.id = f.run_id
LEFT JOIN agency a ON a.id = f.agency_id
WHERE f.run_id = :run ORDER BY f.id
