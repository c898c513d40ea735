-- name: trial_balance
-- The sums of debits and credits by account, currency, agency, bank and day. Only the clearing account is kept by bank.
SELECT side.account, side.currency, a.code AS agency, side.bank, side.day,
    sum(side.debit)::bigint AS debit, sum(side.credit)::bigint AS credit
FROM (
    SELECT debit AS account, currency, agency_id, CASE debit WHEN {bank_clearing} THEN bank END AS bank, day,
        amount AS debit, 0 AS credit FROM posting
    UNION ALL
    SELECT credit, currency, agency_id, CASE credit WHEN {bank_clearing} THEN bank END, day, 0, amount FROM posting
) side
LEFT JOIN agency a ON a.id = side.agency_id
WHERE side.day BETWEEN :day_from AND :day_to
    AND (CAST(:only_agency AS bigint) IS NULL OR side.agency_id = :only_agency)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:bank AS text) IS NULL OR side.bank = :bank)
GROUP BY side.account, side.currency, a.code, side.bank, side.day
ORDER BY side.day, a.code, side.bank, side.account, side.currency
