"""SQL of receipts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.money import Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.receipts import ReceiptAgency, ReceiptView, amount_in_words, receipt_number
from payment_hub.store.named_sql import named

_SQL: Final = {name: text(sql) for name, sql in named("payment_hub.store", "sql/receipts.sql").items()}


def of_order(session: Session, order_id: int) -> ReceiptView | None:
    """The receipt of an order, with the payment that settled it."""
    row = session.execute(_SQL["receipt_of_order"], {"order_id": order_id}).mappings().one_or_none()
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
