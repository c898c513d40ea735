"""Amounts in Vietnamese words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import CurrencyMismatch
from payment_hub.domain.money import Money, dong
from payment_hub.domain.receipts import MAX_NUMBER, amount_in_words, number_in_words

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
