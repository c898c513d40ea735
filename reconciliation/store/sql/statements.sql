-- name: stage_table
-- The lines of one file, before it is known which of them are new.
CREATE TEMPORARY TABLE staged_line (
    line int, bank_transaction_id text, amount bigint, currency char(3), movement text, reference text,
    booked_at timestamptz, order_reference text, refund_reference text
) ON COMMIT DROP

-- name: stage
-- Add a batch of lines, column by column.
INSERT INTO staged_line
SELECT * FROM unnest(CAST(:lines AS int[]), CAST(:ids AS text[]), CAST(:amounts AS bigint[]),
    CAST(:currencies AS text[]), CAST(:movements AS text[]), CAST(:references AS text[]),
    CAST(:booked_at AS timestamptz[]), CAST(:orders AS text[]), CAST(:refunds AS text[]))

-- name: claim_lines
-- Add the lines that no earlier file had. Two equal lines of one file are told apart by counting. Files of one bank
-- are claimed one after the other, so that every line of a transaction but one is marked as repeated.
WITH counted AS (
    SELECT *, row_number() OVER (
        PARTITION BY bank_transaction_id, amount, currency, movement, reference ORDER BY line) AS occurrence
    FROM staged_line
),
fresh AS (
    SELECT c.* FROM counted c WHERE NOT EXISTS (
        SELECT FROM statement_line k
        WHERE k.bank = :bank AND k.bank_transaction_id = c.bank_transaction_id AND k.day = :day
            AND k.amount = c.amount AND k.currency = c.currency AND k.movement = c.movement
            AND k.reference = c.reference AND k.occurrence = c.occurrence)
)
INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement, reference,
    occurrence, booked_at, order_reference, refund_reference, repeated)
SELECT :file, f.line, :bank, f.bank_transaction_id, :day, f.amount, f.currency, f.movement, f.reference, f.occurrence,
    f.booked_at, f.order_reference, f.refund_reference,
    f.movement <> {fee} AND (
        row_number() OVER (PARTITION BY f.bank_transaction_id, f.movement = {fee} ORDER BY f.line) > 1
        OR EXISTS (
            SELECT FROM statement_line k
            WHERE k.bank = :bank AND k.bank_transaction_id = f.bank_transaction_id AND k.movement <> {fee}))
FROM fresh f ORDER BY f.line

-- name: unreported_credits
-- Credits of the day that the hub has no collection for, one a transaction, in pages.
SELECT DISTINCT ON (l.bank_transaction_id) l.bank_transaction_id, l.reference, l.amount, l.currency, l.booked_at
FROM statement_line l
WHERE l.bank = :bank AND l.day = :day AND l.movement = {credit} AND l.bank_transaction_id > :after
    AND NOT EXISTS (
        SELECT FROM collection c WHERE c.bank = l.bank AND c.bank_transaction_id = l.bank_transaction_id)
ORDER BY l.bank_transaction_id, l.booked_at, l.amount, l.reference
LIMIT :limit
