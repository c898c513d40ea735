"""Values as banks write them: amounts in hundredths of a dong, texts in an alphabet that a bank can carry."""

from __future__ import annotations

import re
from typing import Final

from bank_adapters.toolkit.settings import a_url
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import Money, dong

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
    found = _HUNDREDFOLD.fullmatch(written)
    if found is None:
        raise Malformed("the amount is not whole dong x 100")
    return dong(int(found[1]))


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


def a_page(address: str) -> str:
    """A page's address that a citizen may be sent to. Raises Malformed."""
    try:
        return a_url(address)
    except ValueError as error:
        raise Malformed(f"page_url {error}") from error
