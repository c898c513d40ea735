"""Statement files, times, amounts and JSON fields: read exactly, or refused with the place."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit import json_fields
from bank_adapters.toolkit.bank_time import read_utc, read_vietnam_time, write_utc, write_vietnam_time
from bank_adapters.toolkit.limits import fitting, hundredfold, read_hundredfold
from bank_adapters.toolkit.signed_fields import as_signed, form_encoded, joined, read_query, sorted_and_filled
from bank_adapters.toolkit.statements import CsvFormat, read_rows
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong

FORM = CsvFormat(columns={"reference": "REF", "amount": "SO_TIEN"})


def rows(raw: bytes, form: CsvFormat = FORM) -> list[tuple[int, str, str]]:
    return [(row.line, row.text("reference"), row.text("amount")) for row in read_rows(raw, form)]


def test_columns_are_found_by_their_names() -> None:
    assert rows(b"SO_TIEN,x,REF\n1,,A\n2,,B\n") == [(2, "A", "1"), (3, "B", "2")]


def test_a_mark_carriage_returns_quotes_and_line_breaks_in_cells_are_read() -> None:
    assert rows('\ufeffREF,SO_TIEN\r\n"A, ""b""",1\r\n'.encode()) == [(2, 'A, "b"', "1")]


def test_lines_above_the_heading_are_counted() -> None:
    form = CsvFormat(columns=FORM.columns, delimiter=";", encoding="utf-16", lines_before=2)
    assert rows("Báo cáo\nngày 22\nREF;SO_TIEN\nĐ;1\n".encode("utf-16"), form) == [(4, "Đ", "1")]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "line 1, column 1"),
        (b"\n", "line 1, column 1"),
        (b"REF\n", "line 1, column 1: no column named SO_TIEN"),
        (b"REF,SO_TIEN,REF\n", "line 1, column 1: 'REF' stands twice"),
        (b"REF,SO_TIEN\nA\n", "line 2, column 1"),
        (b"REF,SO_TIEN\nA,1,2\n", "line 2, column 3"),
        (b"REF,SO_TIEN\n\nA,1\n", "line 2, column 0"),
        (b"REF,SO_TIEN\nA,1\n,2\n", "line 3, column 1"),
        (b"REF,SO_TIEN\nA,1\nB,\x07\n", "line 3, column 2"),
        (b"REF,SO_TIEN\nA,1\nB\xff,1\n", "line 3, column 2: a byte that is not utf-8"),
        (b"REF,SO_TIEN\nA,\x00\n", "line 2, column 1: a NUL"),
        (b'REF,SO_TIEN\n"A"x,1\n', "line 2, column 1"),
        (b'REF,SO_TIEN\n"A,1\n', r"line [23], column 1"),
        (b"REF,SO_TIEN\n" + b"A" * 200_000 + b",1\n", "line 2, column 1"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(raw: bytes, place: str) -> None:
    with pytest.raises(Malformed, match=place):
        rows(raw)


@given(st.binary(max_size=80) | st.text('REF,SO_TIEN\n"\r;A1', max_size=80).map(str.encode))
def test_no_file_raises_anything_but_malformed(raw: bytes) -> None:
    for candidate in (raw, b"REF,SO_TIEN\n" + raw):
        with contextlib.suppress(Malformed):
            rows(candidate)


@given(st.integers(86_400, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_moment_is_read_back(moment: datetime) -> None:
    assert read_utc(write_utc(moment)) == moment
    assert read_vietnam_time(write_vietnam_time(moment)) == moment


def test_vietnam_is_seven_hours_ahead() -> None:
    assert read_vietnam_time("20260101063000") == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert read_vietnam_time("01/02/2026 07:00", "%d/%m/%Y %H:%M") == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026111",
        "202611221200001",
        " 20261122120000",
        "2026112212000\u0660",
        "20261122240000",
        "20260229120000",
        "00010101000000",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_vietnam_time(text)


@given(st.integers(1, 9_999_999_999))
def test_hundredths_are_read_back(amount: int) -> None:
    assert hundredfold(dong(amount)) == str(amount * 100)
    assert read_hundredfold(str(amount * 100)) == dong(amount)


@pytest.mark.parametrize(
    "written", ["", "0", "00", "000", "1", "10", "150", "0100", "-100", "1e100", "100.00", "1" * 11 + "00"]
)
def test_what_is_no_hundredfold_is_refused(written: str) -> None:
    with pytest.raises(Malformed):
        read_hundredfold(written)


@pytest.mark.parametrize("amount", [dong(0), dong(-1), dong(10**10), Money(1, "USD"), Money(150, "JPY")])
def test_what_cannot_be_written_in_hundredths_is_refused(amount: Money) -> None:
    with pytest.raises(Malformed):
        hundredfold(amount)


def test_only_what_fits_is_sent() -> None:
    assert fitting("K7", "[A-Z0-9]+") == "K7"
    for text in ("k7", "K7\n", "", "K\u0667"):
        with pytest.raises(Malformed):
            fitting(text, "[A-Z0-9]+")


def test_json_fields_are_asked_for_by_kind() -> None:
    fields = json_fields.read_object(b'{"a": "x", "b": 7, "c": null, "d": "", "e": true, "f": "a\\u0007"}')
    assert json_fields.text(fields, "a") == "x"
    assert json_fields.whole(fields, "b") == 7
    assert [json_fields.text_or_none(fields, name) for name in "acdz"] == ["x", None, None, None]
    for name in "bcdefz":
        with pytest.raises(Malformed, match=name):
            json_fields.text(fields, name)
    for name in "acdefz":
        with pytest.raises(Malformed, match=name):
            json_fields.whole(fields, name)
    with pytest.raises(Malformed):
        json_fields.read_object(b"[]")


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


def test_a_day_in_vietnam_begins_seven_hours_before_utc() -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert (
        write_vietnam_time(moment + timedelta(hours=17, minutes=1), "%d/%m/%Y %H:%M:%S")
        == "23/11/2026 00:01:00"
    )
