"""Receipt numbers, and what a receipt must say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import dong
from payment_hub.domain.obligations import Kind
from payment_hub.domain.receipts import (
    MAX_SERIAL,
    ReceiptAgency,
    ReceiptView,
    amount_in_words,
    missing_content,
    receipt_number,
    yearly_series,
)


def test_a_number_has_seven_digits() -> None:
    assert receipt_number("01BLP", "AA26E", 42) == "01BLP AA26E 0000042"
    assert receipt_number("01BLP", "AA26E", MAX_SERIAL) == "01BLP AA26E 9999999"


@pytest.mark.parametrize("serial", [0, -1, MAX_SERIAL + 1])
def test_a_number_of_more_digits_or_none_is_refused(serial: int) -> None:
    with pytest.raises(Malformed):
        receipt_number("01BLP", "AA26E", serial)


@pytest.mark.parametrize(
    ("series", "year", "then"),
    [("AA26E", 2026, "AA26E"), ("AA26E", 2027, "AA27E"), ("XY99E", 2100, "XY00E"), ("BC25", 2026, "BC26")],
)
def test_the_symbol_names_the_year(series: str, year: int, then: str) -> None:
    assert yearly_series(series, year) == then


@pytest.mark.parametrize(
    "series", ["", "AA", "A26E", "JJ26E", "aa26E", "AA2026E", "AA26F", "AA２６E", "AA26E\n"]
)
def test_what_is_no_symbol_is_refused(series: str) -> None:
    with pytest.raises(Malformed):
        yearly_series(series, 2026)


def test_a_whole_receipt_lacks_nothing(receipt: ReceiptView) -> None:
    assert missing_content(receipt) == ()


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"template": "02 BLP"}, ("template", "number")),
        ({"series": "AA"}, ("series", "number")),
        ({"serial": 43}, ("number",)),
        ({"serial": 0}, ("number",)),
        ({"year": 2025}, ("year",)),
        ({"agency": ReceiptAgency("G22.99", " ", None, None)}, ("agency_name",)),
        ({"payer_name": ""}, ("payer_name",)),
        ({"description": ""}, ("description",)),
        ({"amount_in_words": "Một đồng"}, ("amount_in_words",)),
        ({"amount": dong(150_001)}, ("amount_in_words",)),
    ],
)
def test_what_a_receipt_does_not_say_is_named(
    receipt: ReceiptView, change: dict[str, Any], missing: tuple[str, ...]
) -> None:
    assert missing_content(replace(receipt, **change)) == missing


def test_the_year_is_that_of_the_day_in_vietnam(receipt: ReceiptView) -> None:
    new_year = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
    assert missing_content(replace(receipt, issued_at=new_year)) == ("year",)
    assert missing_content(replace(receipt, issued_at=new_year, year=2027)) == ()


@pytest.fixture
def receipt() -> ReceiptView:
    """A complete receipt of a traffic fine."""
    return ReceiptView(
        number="01BLP AA26E 0000042",
        template="01BLP",
        series="AA26E",
        year=2026,
        serial=42,
        order_reference="DV0123456789ABCD",
        agency=ReceiptAgency("G22.99", "Cục Cảnh sát giao thông", "0100109106", "Hà Nội"),
        payer_name="Nguyễn Thị Hường",
        kind=Kind.TRAFFIC_FINE,
        identifiers={"decision_number": "1234/QD-XPHC", "decided_on": "2026-02-27"},
        description="Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
        amount=dong(150_000),
        amount_in_words=amount_in_words(dong(150_000)),
        bank="sandbox",
        bank_transaction_id="FT26061123456",
        paid_at=datetime(2026, 3, 2, 3, 4, tzinfo=UTC),
        issued_at=datetime(2026, 3, 2, 3, 5, tzinfo=UTC),
    )
