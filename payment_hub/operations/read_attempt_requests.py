"""Read what a bank was asked of an attempt, to ask the same once more."""

from __future__ import annotations

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.bank_values import PaymentQuery, PaymentRequest
from payment_hub.hub import Hub
from payment_hub.store import attempts, orders


def read_attempt_requests(
    hub: Hub, *, attempt: AttemptView, payer_ip: str, language: str
) -> tuple[PaymentRequest, PaymentQuery]:
    """The opening (by the port's contract the same again is the same payment), and the question about it."""
    with hub.transaction() as session:
        row = attempts.find(session, attempt.reference)
        expires_at = orders.find_row(session, attempt.order_reference)["expires_at"]
        number, bank_reference = row.id, row.bank_reference
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=attempt.amount,
        started_at=attempt.started_at,
        asked_at=hub.now(),
        bank_reference=bank_reference,
        number=number,
    )
    request = PaymentRequest(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=attempt.amount,
        description=f"Thanh toan {attempt.order_reference}",
        payer_ip=payer_ip,
        language=language,
        started_at=attempt.started_at,
        expires_at=expires_at,
        return_url=hub.checkout_url(attempt.order_reference),
        number=number,
    )
    return request, query
