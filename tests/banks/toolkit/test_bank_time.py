"""Milliseconds since 1970, as wallets count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit.bank_time import read_milliseconds, write_milliseconds
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
