"""Receipts: the form of their number, their required content, and amounts in Vietnamese words.

Decree 123/2020/ND-CP article 32 requires the name of the receipt's kind, template symbol, receipt symbol, a number of
at most 7 digits, collector and payer, purpose, the amount in figures and in words, the day, and the signature.

The words are the northern reading: "nghìn" for thousands and "linh" for a skipped ten (southern documents write "ngàn"
and "lẻ"). A group of three digits behind another reads all its places ("không trăm linh một"); a group of zeros is
silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import CurrencyMismatch, Malformed
from payment_hub.domain.money import VND, Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.wire import Shown

MAX_SERIAL: Final = 9_999_999

#: Receipts for taxes, fees and charges: 01 without, 02 with a printed value; then copies and order number.
_TEMPLATE: Final = re.compile(r"0[12]BLP([0-9](-[0-9]{3})?)?", re.ASCII)
#: Two capitals of the Vietnamese alphabet, the year's last two digits, E for electronic: ``AA26E``.
_SERIES: Final = re.compile(r"([ABCDEGHKLMNPQRSTUVXY]{2})([0-9]{2})(E?)", re.ASCII)


def yearly_series(series: str, year: int) -> str:
    """The receipt symbol ``series`` as it stands in ``year``: ``AA26E`` is ``AA27E`` in 2027.

    Numbers begin at 1 every year, so a symbol that kept its year would print a number twice. Raises Malformed
    for what is not a receipt symbol.
    """
    match = _SERIES.fullmatch(series)
    if match is None:
        raise Malformed(
            "a receipt symbol has two capital letters, two digits of the year and E, such as AA26E"
        )
    return f"{match[1]}{year % 100:02d}{match[3]}"


def receipt_number(template: str, series: str, serial: int) -> str:
    """The number as printed: ``01BLP AA26E 0000042``. Raises Malformed outside of 1 to 9,999,999."""
    if not 1 <= serial <= MAX_SERIAL:
        raise Malformed("a receipt's number has 1 to 7 digits and begins at 1")
    return f"{template} {series} {serial:07d}"


def missing_content(receipt: ReceiptView) -> tuple[str, ...]:
    """The names of what article 32 requires and the receipt lacks; empty when it is complete."""
    content = {
        "template": _TEMPLATE.fullmatch(receipt.template),
        "series": _SERIES.fullmatch(receipt.series),
        "number": _number_fits(receipt),
        "year": receipt.year == _year(receipt.issued_at),
        "agency_name": receipt.agency.name.strip(),
        "payer_name": receipt.payer_name.strip(),
        "description": receipt.description.strip(),
        "amount_in_words": receipt.amount_in_words == amount_in_words(receipt.amount),
    }
    return tuple(name for name, present in content.items() if not present)


def _number_fits(receipt: ReceiptView) -> bool:
    in_range = 1 <= receipt.serial <= MAX_SERIAL
    return in_range and receipt.number == receipt_number(receipt.template, receipt.series, receipt.serial)


def _year(moment: datetime) -> int:
    return business_day(moment).year


#: The largest number that is read out: beyond any sum of payments, and "tỷ" is never needed twice.
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
    groups = [f"{number_in_words(billions)} tỷ"] if billions else []
    for size, unit in _UNITS:
        group = rest // size % 1000
        if group:
            groups.append(_group(group, whole=bool(groups)) + unit)
    return " ".join(groups)


def amount_in_words(money: Money) -> str:
    """An amount of dong in words: a capital letter first, "đồng" last.

    Raises CurrencyMismatch for any other currency, ValueError for a negative amount.
    """
    if money.currency != VND:
        raise CurrencyMismatch(f"only VND has words, not {money.currency}")
    text = number_in_words(money.minor)
    return f"{text[0].upper()}{text[1:]} đồng"


def _group(group: int, *, whole: bool) -> str:
    """One group of three digits, 1 to 999; ``whole`` reads the hundreds even when there are none."""
    hundreds, rest = divmod(group, 100)
    parts = []
    if hundreds or whole:
        parts.append(f"{_DIGITS[hundreds]} trăm")
    if rest:
        parts.append(_below_hundred(rest, after_hundreds=bool(parts)))
    return " ".join(parts)


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


@dataclass(frozen=True, slots=True)
class ReceiptAgency:
    """The agency that a receipt is from."""

    code: str
    name: str
    tax_code: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt with the content that Decree 123/2020 article 32 requires."""

    number: str
    """``<template> <series> <7 digits>`` as printed."""
    template: str
    series: str
    year: int
    serial: int
    order_reference: Annotated[str, Shown("order")]
    agency: ReceiptAgency
    payer_name: str
    kind: Kind
    identifiers: Mapping[str, str]
    description: str
    amount: Money
    amount_in_words: str
    bank: str | None
    bank_transaction_id: str | None
    paid_at: datetime | None
    issued_at: datetime
    treasury_chapter: str | None = None
    treasury_sub_item: str | None = None
