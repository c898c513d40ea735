"""What is computed in Python and in SQL has the same result."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, literal, select

from payment_hub.domain.receipts import MAX_SERIAL, receipt_number
from payment_hub.store.order_writes import printed_number


@pytest.mark.parametrize("serial", [1, 9, 10, 999_999, 1_000_000, MAX_SERIAL])
def test_a_receipts_number_is_printed_the_same(migrated: Engine, serial: int) -> None:
    sql = printed_number(literal("01BLP"), literal("AA26E"), literal(serial))
    with migrated.connect() as connection:
        printed = connection.scalar(select(sql))
    assert printed == receipt_number("01BLP", "AA26E", serial)
