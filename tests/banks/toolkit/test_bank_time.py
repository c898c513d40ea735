"""Milliseconds since 1970, as wallets count them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit.bank_time import (
    read_milliseconds,
    read_utc,
    read_vietnam_time,
    write_milliseconds,
    write_utc,
    write_vietnam_time,
)
from payment_hub.domain.errors import Malformed
from tests.banks.examples import NOON


@given(st.integers(10**12, 10**13 - 1))
def test_a_count_is_written_as_it_was_read(count: int) -> None:
    moment = read_milliseconds(str(count))
    assert moment is not None
    assert write_milliseconds(moment) == count


def test_noon_is_noon() -> None:
    assert read_milliseconds("1795323600000") == NOON


@pytest.mark.parametrize(
    "written",
    ["", "0", "1795323600", "1795323600000000", "-1795323600000", "1795323600000.0", "179532360000\u0660"],
)
def test_another_unit_is_no_moment(written: str) -> None:
    assert read_milliseconds(written) is None


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


def test_a_day_in_vietnam_begins_seven_hours_before_utc() -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert (
        write_vietnam_time(moment + timedelta(hours=17, minutes=1), "%d/%m/%Y %H:%M:%S")
        == "23/11/2026 00:01:00"
    )
