-- name: receipt_of_order
-- The receipt of an order, with the payment that settled it.
SELECT r.template, r.series, r.year, r.number, r.amount, r.currency, r.issued_at, o.reference,
    a.code AS agency, a.name AS agency_name, a.tax_code, a.address,
    b.kind, v.payer_name, v.identifiers, v.description, v.treasury_chapter, v.treasury_sub_item,
    c.bank, c.bank_transaction_id, c.collected_at
FROM receipt r
JOIN payment_order o ON o.id = r.order_id
JOIN obligation b ON b.id = o.obligation_id
JOIN obligation_version v ON v.obligation_id = b.id AND v.version = o.obligation_version
JOIN agency a ON a.id = r.agency_id
LEFT JOIN LATERAL (
    SELECT bank, bank_transaction_id, collected_at FROM collection
    WHERE order_id = o.id AND currency = r.currency AND received_at <= r.issued_at ORDER BY id DESC LIMIT 1
) c ON true
WHERE r.order_id = :order_id
