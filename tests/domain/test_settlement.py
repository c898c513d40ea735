"""The answer to a bank's inquiry, for every combination of what speaks against paying."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.values import Due
from payment_hub.domain.money import Money, dong
from payment_hub.domain.orders import OrderStatus
from payment_hub.domain.settlement import LatePolicy, due_of

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
OPEN: dict[str, Any] = {
    "order_id": 7,
    "status": "OPEN",
    "held": False,
    "settled_by": None,
    "withdrawn": False,
    "obligation_version": 2,
    "obligation_now": 2,
    "expires_at": NOON + timedelta(hours=1),
    "late_policy": LatePolicy.REFUND,
    "required": 150_000,
    "received": 0,
    "refunded": 0,
    "currency": "VND",
}
AGAINST: dict[str, Any] = {
    "held": True,
    "settled_by": 8,
    "withdrawn": True,
    "obligation_now": 3,
    "expires_at": NOON,
}


def due(
    *, requested: Money | None = None, undecided: bool = False, abandoned: bool = False, **changes: Any
) -> Due:
    return due_of(OPEN | changes, NOON, requested=requested, undecided=undecided, abandoned=abandoned)


@pytest.mark.parametrize(
    "names", [names for n in range(1, 6) for names in itertools.combinations(AGAINST, n)]
)
def test_whatever_speaks_against_it_forbids_it(names: tuple[str, ...]) -> None:
    assert due(**{name: AGAINST[name] for name in names}) is Due.CLOSED


@pytest.mark.parametrize("status", OrderStatus)
def test_only_an_open_or_underpaid_order_is_payable(status: OrderStatus) -> None:
    expected = {"OPEN": Due.PAYABLE, "UNDERPAID": Due.PAYABLE, "PAID": Due.PAID}
    assert due(status=status.value) is expected.get(status.value, Due.CLOSED)


def test_a_doubt_about_another_bank_forbids_it() -> None:
    assert due(undecided=True) is due(abandoned=True) is Due.CLOSED
    assert due(undecided=True, requested=dong(1)) is Due.CLOSED


def test_a_paid_order_is_paid_whatever_else_is_true() -> None:
    assert due(status="PAID", undecided=True, abandoned=True, requested=dong(1), **AGAINST) is Due.PAID


def test_the_amount_is_compared_with_what_is_lacking() -> None:
    assert due(requested=dong(150_000)) is Due.PAYABLE
    assert due(requested=dong(150_001)) is Due.AMOUNT_DIFFERS
    assert due(requested=Money(150_000, "USD")) is Due.AMOUNT_DIFFERS
    assert due(status="UNDERPAID", received=100_000, requested=dong(50_000)) is Due.PAYABLE


def test_the_deadline_itself_is_too_late_unless_the_rest_may_come_late() -> None:
    assert due(expires_at=NOON + timedelta(microseconds=1)) is Due.PAYABLE
    assert due(status="UNDERPAID", received=1, expires_at=NOON, late_policy=LatePolicy.ACCEPT) is Due.PAYABLE
    assert due(expires_at=NOON, late_policy=LatePolicy.ACCEPT) is Due.CLOSED
