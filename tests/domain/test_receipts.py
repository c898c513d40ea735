"""Receipts: their numbers, what each must contain, and amounts in Vietnamese words."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import CurrencyMismatch, Malformed
from payment_hub.domain.money import Money, dong
from payment_hub.domain.obligations import Kind
from payment_hub.domain.receipts import (
    MAX_NUMBER,
    MAX_SERIAL,
    ReceiptAgency,
    ReceiptView,
    amount_in_words,
    missing_content,
    number_in_words,
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


HARD_CASES = {
    0: "không",
    1: "một",
    4: "bốn",
    5: "năm",
    10: "mười",
    11: "mười một",
    14: "mười bốn",
    15: "mười lăm",
    20: "hai mươi",
    21: "hai mươi mốt",
    24: "hai mươi tư",
    25: "hai mươi lăm",
    55: "năm mươi lăm",
    100: "một trăm",
    101: "một trăm linh một",
    104: "một trăm linh bốn",
    105: "một trăm linh năm",
    110: "một trăm mười",
    111: "một trăm mười một",
    115: "một trăm mười lăm",
    121: "một trăm hai mươi mốt",
    555: "năm trăm năm mươi lăm",
    1_000: "một nghìn",
    1_001: "một nghìn không trăm linh một",
    1_010: "một nghìn không trăm mười",
    1_100: "một nghìn một trăm",
    21_000: "hai mươi mốt nghìn",
    1_000_000: "một triệu",
    1_000_001: "một triệu không trăm linh một",
    1_010_000: "một triệu không trăm mười nghìn",
    1_250_000: "một triệu hai trăm năm mươi nghìn",
    1_000_000_000: "một tỷ",
    1_000_000_021: "một tỷ không trăm hai mươi mốt",
    2_005_000_000: "hai tỷ không trăm linh năm triệu",
    999_999_999_999: "chín trăm chín mươi chín tỷ chín trăm chín mươi chín triệu "
    "chín trăm chín mươi chín nghìn chín trăm chín mươi chín",
    10**12: "một nghìn tỷ",
    10**12 + 5: "một nghìn tỷ không trăm linh năm",
    1_001 * 10**9: "một nghìn không trăm linh một tỷ",
    10**15: "một triệu tỷ",
}

ONES = {
    **dict(
        zip(["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"], range(10), strict=True)
    ),
    "mốt": 1,
    "tư": 4,
    "lăm": 5,
}
UNITS = {"nghìn": 10**3, "triệu": 10**6}


def read_back(words: str) -> int:
    """A reader that knows nothing of how the words were made: it goes along them once, left to right."""
    total = billions = group = one = 0
    for word in words.split():
        if word in ONES:
            one = ONES[word]
        elif word == "trăm":
            group, one = group + one * 100, 0
        elif word == "mươi":
            group, one = group + one * 10, 0
        elif word == "mười":
            group += 10
        elif word in UNITS:
            total, group, one = total + (group + one) * UNITS[word], 0, 0
        elif word == "tỷ":
            billions, total, group, one = total + group + one, 0, 0, 0
        else:
            assert word == "linh", f"an unknown word: {word}"
    return billions * 10**9 + total + group + one


@pytest.mark.parametrize(("number", "words"), HARD_CASES.items())
def test_a_hard_case_reads_as_people_say_it(number: int, words: str) -> None:
    assert number_in_words(number) == unicodedata.normalize("NFC", words)


def test_every_number_below_ten_thousand_has_words_of_its_own() -> None:
    said = [number_in_words(number) for number in range(10_000)]
    assert len(set(said)) == 10_000
    assert [read_back(words) for words in said] == list(range(10_000))


@given(st.integers(0, MAX_NUMBER))
def test_the_words_mean_the_number(number: int) -> None:
    assert read_back(number_in_words(number)) == number


@given(st.integers(0, 10**6), st.sampled_from([10**3, 10**6, 10**9]))
def test_round_amounts_mean_the_number(count: int, size: int) -> None:
    assert read_back(number_in_words(count * size)) == count * size


@given(st.integers(1, MAX_NUMBER))
def test_the_small_words_stand_only_where_grammar_wants_them(number: int) -> None:
    pairs = list(zip(["", *number_in_words(number).split()], number_in_words(number).split(), strict=False))
    for before, word in pairs:
        if word in {"mốt", "tư"}:
            assert before == "mươi"
        if word == "lăm":
            assert before in {"mươi", "mười"}
        if word == "linh":
            assert before == "trăm"
        if before in {"mươi", "mười"}:
            assert word != "năm"
        if before == "mươi":
            assert word not in {"một", "bốn"}


@given(st.integers(0, MAX_NUMBER))
def test_the_amount_of_a_receipt_begins_with_a_capital_and_ends_with_dong(amount: int) -> None:
    said = amount_in_words(dong(amount))
    assert said[0].isupper()
    assert said.endswith(" đồng")
    assert said[1:].islower()
    assert "  " not in said
    assert unicodedata.is_normalized("NFC", said)


def test_an_amount_is_said_like_this() -> None:
    assert amount_in_words(dong(1_250_000)) == "Một triệu hai trăm năm mươi nghìn đồng"
    assert amount_in_words(dong(0)) == "Không đồng"
    assert amount_in_words(dong(5)) == "Năm đồng"


@pytest.mark.parametrize("number", [-1, MAX_NUMBER + 1])
def test_what_cannot_be_an_amount_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="only numbers"):
        number_in_words(number)


def test_only_dong_is_said_in_words() -> None:
    with pytest.raises(CurrencyMismatch):
        amount_in_words(Money(100, "USD"))
