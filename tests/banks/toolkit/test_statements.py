"""A daily file that is written otherwise than declared: what may be set, and what is refused."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters import BankSettingsError
from bank_adapters.toolkit.statements import CollectorFile, CsvFormat, read_rows
from payment_hub.domain.banks.values import Movement
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.test_vnpay import a_section, a_vnpay

DAY = date(2026, 11, 22)
USUAL = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"00": True},
)
OTHERWISE = {
    "columns": {"booked_at": "Thời gian", "amount": "Số tiền"},
    "time_pattern": "%d/%m/%Y %H:%M",
    "moved": {"Thành công": True, "Thất bại": False},
    "delimiter": ";",
    "encoding": "utf-16",
    "lines_before": 2,
}


def test_without_a_setting_it_is_the_usual_file() -> None:
    assert USUAL.otherwise("{}") == USUAL == USUAL.otherwise(str(USUAL))


def test_a_file_is_read_as_it_is_set_to_be_written(tmp_path: Path) -> None:
    text = (
        "BÁO CÁO\n\nSố tiền;Thời gian;transaction_id;reference;status\n"
        "150000;22/11/2026 12:00;FT1;R1;Thành công\n70000;22/11/2026 12:01;FT2;R2;Thất bại\n"
    )
    (tmp_path / f"{DAY}.csv").write_text(text, "utf-16")
    (line,) = USUAL.otherwise(json.dumps(OTHERWISE)).of_day(tmp_path, DAY, "bank").lines
    assert (line.line, line.amount, line.bank_transaction_id) == (4, dong(150_000), "FT1")
    assert line.booked_at == datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    with pytest.raises(Malformed):
        USUAL.of_day(tmp_path, DAY, "bank")


HEADING = "booked_at,transaction_id,reference,amount,status\n"


def movements(folder: Path, form: CollectorFile, *rows: str) -> list[tuple[str, Money, Movement]]:
    """Transaction, amount and movement of each line of a file with these rows."""
    lines = "".join(f"2026-11-22 12:00:00,{row}\n" for row in rows)
    (folder / f"{DAY}.csv").write_text(HEADING + lines)
    read = form.of_day(folder, DAY, "bank").lines
    return [(line.bank_transaction_id, line.amount, line.movement) for line in read]


def test_a_word_may_mean_money_that_went_back(tmp_path: Path) -> None:
    form = USUAL.otherwise('{"moved": {"00": true, "05": "DEBIT", "fee": "FEE", "02": false}}')
    assert form == form.otherwise(str(form))
    rows = ("T1,R1,150000,00", "T2,R1,50000,05", "T3,,3300,fee", "T4,R2,1,02")
    assert movements(tmp_path, form, *rows) == [
        ("T1", dong(150_000), Movement.CREDIT),
        ("T2", dong(50_000), Movement.DEBIT),
        ("T3", dong(3_300), Movement.FEE),
    ]
    assert form.of_day(tmp_path, DAY, "bank").shows_debits


def test_a_minus_is_money_that_went_back_only_where_it_is_declared(tmp_path: Path) -> None:
    form = USUAL.otherwise('{"minus_is_debit": true, "moved": {"00": true, "05": "DEBIT", "fee": "FEE"}}')
    rows = ("T1,R1,150000,00", "T1,R1,-50000,00", "T2,R1,-7000,05", "T3,,-3300,fee")
    assert movements(tmp_path, form, *rows) == [
        ("T1", dong(150_000), Movement.CREDIT),
        ("T1", dong(50_000), Movement.DEBIT),
        ("T2", dong(7_000), Movement.DEBIT),
        ("T3", dong(3_300), Movement.FEE),
    ]
    for declared, row in ((form, "T1,R1,--5,00"), (form, "T1,R1,-,00"), (USUAL, "T1,R1,-50000,00")):
        with pytest.raises(Malformed, match="line 2, column 4"):
            movements(tmp_path, declared, row)


def test_a_file_that_declares_no_debits_does_not_show_them(tmp_path: Path) -> None:
    movements(tmp_path, USUAL, "T1,R1,150000,00")
    assert not USUAL.of_day(tmp_path, DAY, "bank").shows_debits
    assert USUAL.otherwise('{"minus_is_debit": true}').of_day(tmp_path, DAY, "bank").shows_debits


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {}},
        {"columns": {"amount": ""}},
        {"columns": {"amount": 7}},
        {"columns": {"fee": "PHI"}},
        {"columns": ["amount"]},
        {"time_pattern": ""},
        {"time_pattern": 7},
        {"moved": {}},
        {"moved": {"00": "yes"}},
        {"moved": {"00": 1}},
        {"moved": {"02": False}},
        {"moved": {"00": "REFUND"}},
        {"moved": {"00": ["DEBIT"]}},
        {"moved": {"": "DEBIT"}},
        {"minus_is_debit": 1},
        {"delimiter": ""},
        {"delimiter": "\n"},
        {"encoding": "klingon"},
        {"encoding": None},
        {"lines_before": -1},
        {"lines_before": True},
        {"lines_before": "2"},
        {"sheet": 2},
    ],
)
def test_what_no_file_can_be_is_refused_when_the_hub_starts(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"columns|is unknown or not as it must be"):
        USUAL.otherwise(json.dumps(changes))
    with pytest.raises(BankSettingsError, match="BANK_VNPAY_STATEMENT_FORMAT"):
        a_vnpay({**a_section(tmp_path), "STATEMENT_FORMAT": json.dumps(changes)})


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', '{"lines_before": 1, "lines_before": 2}'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a JSON object"):
        USUAL.otherwise(text)


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
