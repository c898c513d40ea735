-- name: stage_table
-- The entries of one file, before it is known which of them are new.
CREATE TEMPORARY TABLE staged_entry (
    line int, entry_number text, reference text, order_reference text, amount bigint, currency char(3),
    receipt_number text
) ON COMMIT DROP

-- name: stage
-- Add a batch of entries, column by column.
INSERT INTO staged_entry
SELECT * FROM unnest(CAST(:lines AS int[]), CAST(:numbers AS text[]), CAST(:references AS text[]),
    CAST(:orders AS text[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:receipts AS text[]))

-- name: claim_entries
-- Add the entries that no earlier file had. An entry is of the obligation of the order that it names, or of the
-- obligation that it names; orders and obligations of other agencies are not looked at.
WITH resolved AS (
    SELECT s.*, coalesce(b.reference, named.reference, s.reference) AS case_key,
        coalesce(o.id, named.settled_by) AS order_id
    FROM staged_entry s
    LEFT JOIN payment_order o ON o.reference = s.order_reference AND o.agency_id = :agency_id
    LEFT JOIN obligation b ON b.id = o.obligation_id
    LEFT JOIN obligation named ON o.id IS NULL AND named.agency_id = :agency_id AND named.reference = s.reference
),
fresh AS (
    SELECT m.* FROM resolved m WHERE NOT EXISTS (
        SELECT FROM ledger_entry k
        WHERE k.agency_id = :agency_id AND k.day = :day AND k.entry_number = m.entry_number
            AND k.reference = m.reference AND k.amount = m.amount AND k.currency = m.currency)
)
INSERT INTO ledger_entry (file_id, line, agency_id, day, entry_number, reference, receipt_number, case_key, order_id,
    amount, currency, repeated)
SELECT :file, f.line, :agency_id, :day, f.entry_number, f.reference, f.receipt_number, f.case_key, f.order_id,
    f.amount, f.currency,
    row_number() OVER (PARTITION BY f.case_key ORDER BY f.line) > 1
        OR EXISTS (SELECT FROM ledger_entry k WHERE k.agency_id = :agency_id AND k.case_key = f.case_key)
FROM fresh f ORDER BY f.line
