"""What a bank's protocol cannot carry is refused before anything is sent."""

from __future__ import annotations

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import PaymentRequest, RefundRequest
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import VND


def require_payable(limits: Limits, request: PaymentRequest) -> None:
    """Raise Malformed for an amount or a deadline that the protocol cannot carry."""
    amount = request.amount
    if amount.currency != VND or not limits.smallest <= amount <= limits.largest:
        raise Malformed(f"{amount} {amount.currency} is outside of {limits.smallest} to {limits.largest} VND")
    if request.expires_at - request.started_at < limits.shortest:
        raise Malformed(f"the deadline is nearer than {limits.shortest}")


def require_refundable(limits: Limits, request: RefundRequest) -> None:
    """Raise Malformed for an amount that cannot be given back by the protocol: too little, too much, or a part."""
    amount = request.amount
    largest = request.paid if limits.largest_refund is None else min(limits.largest_refund, request.paid)
    if amount.currency != VND or not limits.smallest_refund <= amount <= largest:
        raise Malformed(
            f"{amount} {amount.currency} cannot be given back: outside of {limits.smallest_refund} to {largest}"
        )
    if amount < request.paid and not limits.part_refunds:
        raise Malformed("the bank gives back the whole amount or nothing")
