"""The payment that the tests of all banks are about."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

from payment_hub.domain.bank_port import PaymentQuery, PaymentRequest
from payment_hub.domain.money import dong

NOON = datetime(2026, 11, 22, 5, 0, 0, tzinfo=UTC)
DAY = date(2026, 11, 22)
PUBLIC_URL = "https://hub.test"
ORDER, ATTEMPT = "K7Q2M9X4T1", "K7Q2M9X4T1-1"
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
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def a_query(**changes: object) -> PaymentQuery:
    """The question about the same payment, ten minutes later."""
    return dataclasses.replace(
        PaymentQuery(ORDER, ATTEMPT, AMOUNT, NOON, NOON + timedelta(minutes=10)),
        **changes,  # type: ignore[arg-type]
    )
