"""Receipts: the form of their number, and what one must say.

Decree 123/2020/ND-CP article 32: the name of the receipt's kind, template symbol, receipt symbol, a number of
at most 7 digits, who collects and who pays, what for, the amount in figures and in words, the day, the
signature.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from payment_hub.domain.day import business_day
from payment_hub.domain.errors import Malformed
from payment_hub.domain.views import ReceiptView
from payment_hub.domain.words import amount_in_words

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
    found = _SERIES.fullmatch(series)
    if found is None:
        raise Malformed(
            "a receipt symbol has two capital letters, two digits of the year and E, such as AA26E"
        )
    return f"{found[1]}{year % 100:02d}{found[3]}"


def receipt_number(template: str, series: str, serial: int) -> str:
    """The number as printed: ``01BLP AA26E 0000042``. Raises Malformed outside of 1 to 9,999,999."""
    if not 1 <= serial <= MAX_SERIAL:
        raise Malformed("a receipt's number has 1 to 7 digits and begins at 1")
    return f"{template} {series} {serial:07d}"


def missing_content(receipt: ReceiptView) -> tuple[str, ...]:
    """What the receipt should say by article 32 and does not, by name; empty when it is complete."""
    holds = {
        "template": _TEMPLATE.fullmatch(receipt.template),
        "series": _SERIES.fullmatch(receipt.series),
        "number": _number_fits(receipt),
        "year": receipt.year == _year(receipt.issued_at),
        "agency_name": receipt.agency_name.strip(),
        "payer_name": receipt.payer_name.strip(),
        "description": receipt.description.strip(),
        "amount_in_words": receipt.amount_in_words == amount_in_words(receipt.amount),
    }
    return tuple(name for name, said in holds.items() if not said)


def _number_fits(receipt: ReceiptView) -> bool:
    in_range = 1 <= receipt.serial <= MAX_SERIAL
    return in_range and receipt.number == receipt_number(receipt.template, receipt.series, receipt.serial)


def _year(moment: datetime) -> int:
    return business_day(moment).year
