"""An order's status: exactly one predicate holds for any facts, and the database derives the same one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from payment_hub.domain.orders import OrderFacts, OrderFlag, OrderStatus, finished, flags_of, status_of
from payment_hub.store.tables.orders import STATUS

#: What each status means, said once more and independently of the code.
PREDICATES: dict[OrderStatus, Callable[[OrderFacts, int], bool]] = {
    OrderStatus.OPEN: lambda f, _: 0 == f.received < f.required and not f.expired and not f.cancelled,
    OrderStatus.CANCELLED: lambda f, _: 0 == f.received < f.required and f.cancelled,
    OrderStatus.EXPIRED: lambda f, _: 0 == f.received < f.required and f.expired and not f.cancelled,
    OrderStatus.UNDERPAID: lambda f, _: 0 < f.received < f.required and f.refunded == 0,
    OrderStatus.PAID: lambda f, net: f.received >= f.required and net >= f.required,
    OrderStatus.PARTLY_REFUNDED: lambda f, net: f.refunded > 0 and 0 < net < f.required,
    OrderStatus.REFUNDED: lambda f, net: f.received > 0 and net == 0 < f.required,
}
YES_NO = (False, True)
STATES = [
    OrderFacts(required, received, refunded, expired=expired, cancelled=cancelled)
    for required in (0, 1, 2, 3, 7, 10)
    for received in range(16)
    for refunded in range(received + 1)
    for expired, cancelled in itertools.product(YES_NO, YES_NO)
]


def test_exactly_one_predicate_holds_for_every_state_and_names_the_status() -> None:
    assert len(STATES) > 2_000
    for facts in STATES:
        holding = [
            status for status, holds in PREDICATES.items() if holds(facts, facts.received - facts.refunded)
        ]
        assert holding == [status_of(facts)], facts


def test_every_status_occurs() -> None:
    assert {status_of(facts) for facts in STATES} == set(OrderStatus)


def test_the_database_derives_the_same_status(migrated: Engine) -> None:
    derived = text(
        f"""SELECT {STATUS} FROM (
            SELECT required, received, refunded, place,
                CASE WHEN expired THEN now() END AS expired_at, CASE WHEN cancelled THEN now() END AS cancelled_at
            FROM unnest(CAST(:required AS bigint[]), CAST(:received AS bigint[]), CAST(:refunded AS bigint[]),
                CAST(:expired AS boolean[]), CAST(:cancelled AS boolean[]))
                WITH ORDINALITY AS t (required, received, refunded, expired, cancelled, place)
        ) facts ORDER BY place"""
    )
    columns = ("required", "received", "refunded", "expired", "cancelled")
    asked = {column: [getattr(facts, column) for facts in STATES] for column in columns}
    with migrated.connect() as connection:
        assert list(connection.scalars(derived, asked)) == [status_of(facts) for facts in STATES]


def test_flags_stand_in_a_fixed_order() -> None:
    assert flags_of(net=11, required=10, late=True, conflict=True, held=True, disputed=True) == tuple(
        OrderFlag
    )
    assert flags_of(net=10, required=10, late=False, conflict=False, held=False) == ()


@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_is_finished_when_nothing_more_is_expected(status: OrderStatus) -> None:
    waiting = status in {OrderStatus.OPEN, OrderStatus.UNDERPAID}
    assert finished(status, ()) is not waiting
    assert finished(status, (OrderFlag.LATE,)) is not waiting
    assert not finished(status, (OrderFlag.HELD,))
