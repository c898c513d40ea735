"""The payment that the tests of all banks are about."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

from payment_hub.domain.banks.values import (
    PayerAccount,
    PaymentQuery,
    PaymentRequest,
    RefundQuery,
    RefundRequest,
)
from payment_hub.domain.money import dong

NOON = datetime(2026, 11, 22, 5, 0, 0, tzinfo=UTC)
DAY = date(2026, 11, 22)
PUBLIC_URL = "https://hub.test"
ORDER = "DV6AHKGJH0BRRAEN"
ATTEMPT = f"{ORDER}-1"
NUMBER = 4711
"""The attempt's own number."""
TRANSACTION = "FT26326000123"
REFUND = "RF0D2F5H8K1M3N-1"
REFUND_NUMBER = 815
AMOUNT = dong(150_000)


def a_request(**changes: object) -> PaymentRequest:
    """A payment of 150,000 dong that starts at noon and can be paid for half an hour."""
    plain = PaymentRequest(
        order_reference=ORDER,
        attempt_reference=ATTEMPT,
        amount=AMOUNT,
        description=f"Le phi {ORDER}",
        payer_ip="203.113.131.1",
        language="vi",
        started_at=NOON,
        expires_at=NOON + timedelta(minutes=30),
        return_url="https://hub.test/checkout/abc",
        number=NUMBER,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def a_query(**changes: object) -> PaymentQuery:
    """The question about the same payment, ten minutes later."""
    return dataclasses.replace(
        PaymentQuery(ORDER, ATTEMPT, AMOUNT, NOON, NOON + timedelta(minutes=10), number=NUMBER),
        **changes,  # type: ignore[arg-type]
    )


def a_refund(**changes: object) -> RefundRequest:
    """The whole of it given back an hour later."""
    plain = RefundRequest(
        refund_reference=REFUND,
        number=REFUND_NUMBER,
        order_reference=ORDER,
        attempt_reference=ATTEMPT,
        bank_transaction_id=TRANSACTION,
        amount=AMOUNT,
        paid=AMOUNT,
        paid_at=NOON + timedelta(minutes=5),
        payment_started_at=NOON,
        description=f"Hoan phi {ORDER}",
        requested_by="officer.an",
        queried_at=NOON + timedelta(hours=1),
        payer=PayerAccount("0011012345678", "970403", "NGUYEN VAN A"),
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def a_refund_query(**changes: object) -> RefundQuery:
    """The question about the same refund, ten minutes later."""
    plain = RefundQuery(
        refund_reference=REFUND,
        number=REFUND_NUMBER,
        order_reference=ORDER,
        attempt_reference=ATTEMPT,
        bank_transaction_id=TRANSACTION,
        amount=AMOUNT,
        paid=AMOUNT,
        submitted_at=NOON + timedelta(hours=1),
        payment_started_at=NOON,
        queried_at=NOON + timedelta(hours=1, minutes=10),
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]
