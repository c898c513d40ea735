"""Receipts: the hub's own for a settled order, and the one that the bank writes for a payment."""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.port import CanFetchReceipt
from payment_hub.domain.banks.values import PaymentQuery
from payment_hub.domain.errors import ReceiptNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptState
from payment_hub.domain.receipts import ReceiptView
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.store import orders, payments, receipts


def show_receipt(hub: Hub, *, caller: Caller, reference: str) -> ReceiptView:
    """The receipt of an order. Raises MalformedReference, OrderNotFound, ReceiptNotFound while it is not settled."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        receipt = receipts.of_order(session, row["order_id"])
    if receipt is None:
        raise ReceiptNotFound(f"the order is {row['status']}")
    return receipt


def fetch_bank_receipt(hub: Hub, *, caller: Caller, reference: str) -> bytes:
    """The bank's PDF for the latest paid attempt of an order. It is fetched each time and not stored.

    Raises MalformedReference, OrderNotFound; ReceiptNotFound while nothing is paid; BankNotFound; BankCannot for a bank
    that writes none; BankUnavailable.
    """
    plain = parse_reference(reference)
    with hub.transaction() as session:
        row = orders.find_row(session, plain, caller)
        attempts = payments.attempts_of_order(session, row["order_id"])
        paid = next((attempt for attempt in attempts if attempt.state == AttemptState.SUCCEEDED), None)
        if paid is None:
            raise ReceiptNotFound("no bank has been paid")
        query = PaymentQuery(
            order_reference=plain,
            attempt_reference=paid.reference,
            amount=Money(paid.amount, paid.currency),
            started_at=paid.started_at,
            queried_at=hub.now(),
            bank_reference=paid.bank_reference,
            number=paid.id,
        )
        bank = paid.bank
    return hub.adapter_with(bank, CanFetchReceipt).fetch_receipt(query)
