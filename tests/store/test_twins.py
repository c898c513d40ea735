"""What is said both in Python and in SQL says the same."""

from __future__ import annotations

from itertools import product
from typing import Any

from sqlalchemy import literal, select, text

from payment_hub.domain.orders import OrderFacts, OrderStatus, status_of
from payment_hub.domain.receipts import receipt_number
from payment_hub.hub import Hub
from payment_hub.store.order_writes import printed_number
from payment_hub.store.tables.orders import IS_OPEN, STATUS

_AMOUNTS = range(4)


def test_the_databases_status_of_an_order_is_the_domains(hub: Hub) -> None:
    cases = [
        (required, received, refunded, cancelled, expired)
        for required, received, refunded in product(_AMOUNTS, repeat=3)
        for cancelled, expired in product((False, True), repeat=2)
        if refunded <= received
    ]
    question = text(
        f"""SELECT {STATUS}, {IS_OPEN} FROM (SELECT CAST(:required AS bigint) AS required,
        CAST(:received AS bigint) AS received, CAST(:refunded AS bigint) AS refunded,
        CASE WHEN :cancelled THEN now() END AS cancelled_at, CASE WHEN :expired THEN now() END AS expired_at) o"""
    )
    with hub.transaction() as session:
        for required, received, refunded, cancelled, expired in cases:
            asked: dict[str, Any] = {
                "required": required,
                "received": received,
                "refunded": refunded,
                "cancelled": cancelled,
                "expired": expired,
            }
            status, is_open = session.execute(question, asked).one()
            expected = status_of(OrderFacts(**asked))
            assert status == expected, asked
            assert is_open is (expected is OrderStatus.OPEN), asked


def test_the_databases_print_of_a_receipts_number_is_the_domains(hub: Hub) -> None:
    with hub.transaction() as session:
        for serial in (1, 42, 999_999, 9_999_999):
            sql = printed_number(literal("01BLP"), literal("AA26E"), literal(serial))
            assert session.scalar(select(sql)) == receipt_number("01BLP", "AA26E", serial)
