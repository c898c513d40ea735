"""What a bank's protocol can carry: amounts, deadlines, alphabets. The rest is refused before anything is sent."""

from __future__ import annotations

import re
from typing import Final

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import PaymentRequest, RefundRequest
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import VND, Money, dong


def require_payable(limits: Limits, request: PaymentRequest) -> None:
    """Raise Malformed for an amount or a deadline that the protocol cannot carry."""
    amount = request.amount
    if amount.currency != VND or not limits.smallest <= amount <= limits.largest:
        raise Malformed(f"{amount} {amount.currency} is outside of {limits.smallest} to {limits.largest} VND")
    if request.expires_at - request.started_at < limits.shortest:
        raise Malformed(f"the deadline is nearer than {limits.shortest}")


def require_refundable(limits: Limits, request: RefundRequest) -> None:
    """Raise Malformed for an amount that the protocol cannot refund: too little, too much, or a part."""
    amount = request.amount
    largest = request.paid if limits.largest_refund is None else min(limits.largest_refund, request.paid)
    if amount.currency != VND or not limits.smallest_refund <= amount <= largest:
        raise Malformed(
            f"{amount} {amount.currency} cannot be given back: outside of {limits.smallest_refund} to {largest}"
        )
    if amount < request.paid and not limits.part_refunds:
        raise Malformed("the bank gives back the whole amount or nothing")


#: Several gateways write dong x 100, in at most 12 digits.
_HUNDREDFOLD: Final = re.compile(r"([1-9][0-9]{0,9})00", re.ASCII)


def hundredfold(amount: Money) -> str:
    """Dong x 100 as digits. Raises Malformed for another currency, nothing, and more than 12 digits."""
    written = f"{amount}00"
    if amount.currency != "VND" or not _HUNDREDFOLD.fullmatch(written):
        raise Malformed(f"{amount} {amount.currency} cannot be written as dong x 100")
    return written


def read_hundredfold(written: str) -> Money:
    """Whole dong from digits of dong x 100. Raises Malformed when it is not whole dong, or nothing."""
    match = _HUNDREDFOLD.fullmatch(written)
    if match is None:
        raise Malformed("the amount is not whole dong x 100")
    return dong(int(match[1]))


def hundredfold_or_none(written: str) -> Money | None:
    """As ``read_hundredfold``, but None for what it refuses: what tells of no money may tell of no amount."""
    try:
        return read_hundredfold(written)
    except Malformed:
        return None


def fitting(value: str, pattern: str) -> str:
    """``value`` when it matches ``pattern`` whole.

    Raises Malformed, so that nothing is sent that a bank may misread.
    """
    if not re.fullmatch(pattern, value, re.ASCII):
        raise Malformed(f"{value[:40]!a} cannot be sent to this bank")
    return value
