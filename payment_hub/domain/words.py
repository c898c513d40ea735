"""Amounts in Vietnamese words, as a receipt must carry them.

Northern reading: "nghìn" for thousands and "linh" for a skipped ten (southern papers say "ngàn" and "lẻ"). A
group of three digits behind a spoken one says all its places ("không trăm linh một"); a group of zeros is
silent.
"""

from __future__ import annotations

from typing import Final

from payment_hub.domain.errors import CurrencyMismatch
from payment_hub.domain.money import VND, Money

#: The largest number that is read: beyond any sum of payments, and "tỷ" need never be said twice.
MAX_NUMBER: Final = 10**15

_DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_BILLION: Final = 10**9
_UNITS: Final = ((10**6, " triệu"), (10**3, " nghìn"), (1, ""))


def number_in_words(number: int) -> str:
    """A whole number from 0 to 10^15 in words: ``1001`` is "một nghìn không trăm linh một".

    Raises ValueError outside of that range.
    """
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"only numbers from 0 to {MAX_NUMBER} are read out")
    if number == 0:
        return _DIGITS[0]
    billions, rest = divmod(number, _BILLION)
    said = [f"{number_in_words(billions)} tỷ"] if billions else []
    for size, unit in _UNITS:
        group = rest // size % 1000
        if group:
            said.append(_group(group, whole=bool(said)) + unit)
    return " ".join(said)


def amount_in_words(money: Money) -> str:
    """An amount of dong as a receipt says it: a capital letter first, "đồng" last.

    Raises CurrencyMismatch for any other currency, ValueError for a negative amount.
    """
    if money.currency != VND:
        raise CurrencyMismatch(f"only VND is said in words, not {money.currency}")
    words = number_in_words(money.minor)
    return f"{words[0].upper()}{words[1:]} đồng"


def _group(group: int, *, whole: bool) -> str:
    """One group of three digits, 1 to 999; ``whole`` says the hundreds even when there are none."""
    hundreds, rest = divmod(group, 100)
    said = []
    if hundreds or whole:
        said.append(f"{_DIGITS[hundreds]} trăm")
    if rest:
        said.append(_below_hundred(rest, after_hundreds=bool(said)))
    return " ".join(said)


def _below_hundred(number: int, *, after_hundreds: bool) -> str:
    tens, ones = divmod(number, 10)
    if tens == 0:
        return f"linh {_DIGITS[ones]}" if after_hundreds else _DIGITS[ones]
    ten = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    return f"{ten} {_ones(tens, ones)}" if ones else ten


def _ones(tens: int, ones: int) -> str:
    """Behind a ten, 5 is "lăm"; behind twenty and more, 1 is "mốt" and 4 is "tư"."""
    if ones == 5:
        return "lăm"
    if tens > 1 and ones in {1, 4}:
        return "mốt" if ones == 1 else "tư"
    return _DIGITS[ones]
