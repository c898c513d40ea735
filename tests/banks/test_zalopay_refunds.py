"""ZaloPay v2: what each code means in an answer about a refund."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.zalopay import REFUSALS, ZaloPay
from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from tests.banks.examples import a_refund, a_refund_query
from tests.banks.faults import Failing, refuses
from tests.banks.zalopay_messages import (
    NUMBER,
    QUERY_REFUND,
    REFUND,
    REFUND_NUMBER,
    a_section,
    answered,
)

REFUNDS, REFUND_ASKS = ((("POST", address),) for address in (REFUND, QUERY_REFUND))


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)})["zalopay"]


def given_back(adapter: ZaloPay) -> Callable[[], RefundAnswer]:
    return partial(adapter.refund_payment, a_refund(bank_transaction_id=str(NUMBER)))


@pytest.mark.parametrize("sub", [*map(int, REFUSALS)])
def test_a_refused_refund_was_not_taken_and_a_fault_proves_nothing(adapter: ZaloPay, sub: int) -> None:
    with Failing(REFUNDS, answered(2, sub)):
        if sub in (-401, -402, -403, -405, -429):
            assert given_back(adapter)() == RefundAnswer(RefundOutcome.FAILED, f"2/{sub}")
        else:
            assert refuses(BankUnavailable, given_back(adapter))
    with Failing(REFUNDS, answered(1, sub)):
        assert given_back(adapter)().outcome is RefundOutcome.SUCCEEDED


@pytest.mark.parametrize("sub", [*map(int, REFUSALS)])
def test_a_refused_question_says_nothing_of_the_refund(adapter: ZaloPay, sub: int) -> None:
    with Failing(REFUND_ASKS, answered(2, sub)):
        assert refuses(BankUnavailable, lambda: adapter.query_refund(a_refund_query()))


@pytest.mark.parametrize(
    ("sub", "outcome"),
    [
        (-13, RefundOutcome.PENDING),
        (-1234, RefundOutcome.PENDING),
        (-322, RefundOutcome.FAILED),
        (0, RefundOutcome.FAILED),
        (2, RefundOutcome.FAILED),
        (None, RefundOutcome.FAILED),
    ],
)
def test_a_refund_that_zalopay_does_not_know_may_be_on_its_way(
    adapter: ZaloPay, sub: int | None, outcome: RefundOutcome
) -> None:
    """How "not known" is written is nowhere documented: a reason that is not either proves nothing."""
    with Failing(REFUND_ASKS, answered(2, sub)):
        assert adapter.query_refund(a_refund_query()).outcome is outcome


def test_failed_and_given_back_at_once_is_not_known(adapter: ZaloPay) -> None:
    with Failing(REFUND_ASKS, answered(2, -101)):
        assert adapter.query_refund(a_refund_query()).outcome is RefundOutcome.PENDING
    with Failing(REFUND_ASKS, answered(1, -101)):
        assert adapter.query_refund(a_refund_query()).outcome is RefundOutcome.SUCCEEDED


def test_the_banks_number_of_a_refund_is_kept(adapter: ZaloPay) -> None:
    with Failing(REFUNDS, answered(3, refund_id=REFUND_NUMBER)):
        assert given_back(adapter)() == RefundAnswer(RefundOutcome.PENDING, "3/1", str(REFUND_NUMBER))
    with Failing(REFUNDS, answered(3, refund_id=0)):
        assert given_back(adapter)().bank_refund_id is None


@pytest.mark.parametrize("transaction", ["", "0", "FT26326000123", "2611-1"])
def test_a_transaction_that_is_no_number_is_not_zalopays(adapter: ZaloPay, transaction: str) -> None:
    with pytest.raises(Malformed):
        adapter.refund_payment(a_refund(bank_transaction_id=transaction))
