"""Questions about receipts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.money import Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.receipts import ReceiptAgency, ReceiptView, amount_in_words, receipt_number

_ONE: Final = text(
    """
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
WHERE r.order_id = :order_id"""
)


def of_order(session: Session, order_id: int) -> ReceiptView | None:
    """The receipt of an order, with the payment that settled it."""
    row = session.execute(_ONE, {"order_id": order_id}).mappings().one_or_none()
    if row is None:
        return None
    amount = Money(row["amount"], row["currency"])
    return ReceiptView(
        number=receipt_number(row["template"], row["series"], row["number"]),
        template=row["template"],
        series=row["series"],
        year=row["year"],
        serial=row["number"],
        order_reference=row["reference"],
        agency=ReceiptAgency(row["agency"], row["agency_name"], row["tax_code"], row["address"]),
        payer_name=row["payer_name"],
        kind=Kind(row["kind"]),
        identifiers=row["identifiers"],
        description=row["description"],
        amount=amount,
        amount_in_words=amount_in_words(amount),
        bank=row["bank"],
        bank_transaction_id=row["bank_transaction_id"],
        paid_at=row["collected_at"],
        issued_at=row["issued_at"],
        treasury_chapter=row["treasury_chapter"],
        treasury_sub_item=row["treasury_sub_item"],
    )
