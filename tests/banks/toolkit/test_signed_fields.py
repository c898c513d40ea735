"""Our references among unseparated values."""

from __future__ import annotations

import pytest

from bank_adapters.toolkit.signed_fields import (
    as_signed,
    form_encoded,
    joined,
    read_query,
    require_ours_whole,
    sorted_and_filled,
)
from payment_hub.domain.errors import CallbackRejected
from tests.banks.examples import ATTEMPT, ORDER

OTHER = "DV00000000000000"
AMOUNT = r"[1-9][0-9]{0,11}\Z"


@pytest.mark.parametrize(
    ("before", "order"),
    [
        ("", ORDER),
        ("BIDV000001", OTHER),
        ("X", ORDER.lower()),
        (f"{ORDER}-", OTHER),
        ("DV", ORDER),
        (ORDER, ORDER),
        ("", "HUB240501000123"),
        (ORDER[:-1], "HS0001"),
        (f"{ORDER[:8]}-{ORDER[8:]}", "1"),
    ],
)
def test_a_whole_reference_and_what_is_none_are_believed(before: str, order: str) -> None:
    require_ours_whole(before, order, "150000", follows=AMOUNT)


@pytest.mark.parametrize(
    ("before", "order", "after"),
    [
        ("T", OTHER[:-1], "0150000"),
        ("T", f"{OTHER}1", "50000"),
        (f"T{OTHER[0]}", OTHER[1:], "150000"),
        (f"T{OTHER}", "1", "50000"),
        ("T", f"{OTHER[:8]}-{OTHER[8:]}", "150000"),
        ("T", f"{OTHER}.", "150000"),
        ("T", f"{OTHER}-1", "150000"),
        ("T", f"{OTHER} {ORDER}"[1:], "150000"),
        ("T", OTHER[:4], f"{OTHER[4:]}150000"),
        ("T", ORDER.replace("0", "O"), "150000"),
    ],
)
def test_a_piece_or_more_than_one_is_not(before: str, order: str, after: str) -> None:
    with pytest.raises(CallbackRejected):
        require_ours_whole(before, order, after, follows=AMOUNT)


@pytest.mark.parametrize("before", ["", "00HUB", "00HUBDV", f"{ORDER}8490000000000HUB"])
def test_an_attempt_is_whole_with_its_number(before: str) -> None:
    require_ours_whole(before, ATTEMPT, "1150000", tail="-[1-9]")
    for order, after in (
        (ORDER, "-11150000"),
        (ORDER[:-1], f"{ORDER[-1]}-1150000"),
        (f"{ATTEMPT}1", "150000"),
        (f"{ORDER}-", "1150000"),
        (f"X{ATTEMPT}", "1150000"),
        ("X", f"1{ATTEMPT}"),
    ):
        with pytest.raises(CallbackRejected):
            require_ours_whole(before, order, after, tail="-[1-9]")


def test_queries_are_read_once_and_written_one_way() -> None:
    assert read_query(b"a=1+2%3A&b=") == {"a": "1 2:", "b": ""}
    assert form_encoded(sorted_and_filled({"b": "x y", "a": "Đ", "c": ""})) == "a=%C4%90&b=x+y"


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"a",
        b"a=1&a=1",
        b"a=1&",
        b"=1",
        b"a=%ff",
        b"%61=1",
        b"a=\xc4\x90",
        b"a=1;b=2&a=3",
        b"a=" + b"x" * 9000,
    ],
)
def test_a_doubtful_query_is_rejected(query: bytes) -> None:
    with pytest.raises(CallbackRejected):
        read_query(query)


def test_joined_values_cannot_be_cut_in_two_ways() -> None:
    assert joined({"a": "x", "b": 7, "d": None}, "abcd") == "x|7||"
    assert joined({"v_a": "x"}, ["a"], "v_") == "x"
    with pytest.raises(CallbackRejected):
        joined({"a": "x|y"}, "ab")
    doubtful: tuple[object, ...] = (True, 1.5, [], {})
    for value in doubtful:
        with pytest.raises(CallbackRejected):
            as_signed(value)
