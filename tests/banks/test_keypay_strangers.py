"""KeyPay as nobody has seen it yet: what its page leaves open is not refused, and never guessed either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.keypay import KeyPay
from payment_hub.domain.banks.values import Outcome, RefundOutcome
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, a_query, a_refund, a_refund_query, a_request
from tests.banks.faults import Failing
from tests.banks.keypay_messages import (
    CREATE,
    DETAIL,
    GIVEN_BACK,
    REFUND_DETAIL,
    REFUNDS,
    a_callback,
    a_section,
    created,
    detail,
    given_back,
    refund_detail,
    sent,
)

ASKS, REFUND_ASKS = (("POST", DETAIL),), (("POST", REFUND_DETAIL),)


def built(folder: Path, **more: str) -> KeyPay:
    adapter = load_adapters(["keypay"], {"keypay": a_section(folder) | more})["keypay"]
    assert isinstance(adapter, KeyPay)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> KeyPay:
    return built(tmp_path)


def with_more(answer: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """An answer with fields that nobody wrote down, in it and in its data."""
    whole = answer["json"]
    return {"json": {**more, **whole, "data": {**more, **whole["data"]}}}


@pytest.mark.parametrize(
    "more", [{"rate": 0.5}, {"fee": 1e3}, {"paid_by": "Nguyễn Văn Á"}, {"x": [None, {}]}]
)
def test_fields_that_nobody_wrote_down_change_nothing(adapter: KeyPay, more: dict[str, Any]) -> None:
    assert adapter.read_callback(sent(a_callback(**more))) == adapter.read_callback(sent(a_callback()))
    with Failing(ASKS, with_more(detail(), more)):
        assert adapter.query_payment(a_query()).outcome is Outcome.PAID
    with Failing((("POST", CREATE),), with_more(created(), more)):
        assert adapter.open_payment(a_request()).page_url
    with Failing((("POST", REFUNDS),), with_more(given_back(a_refund().description, status="0"), more)):
        assert adapter.refund_payment(a_refund()).outcome is RefundOutcome.SUCCEEDED


@pytest.mark.parametrize("number", ["7", 7, "KP/2026.11:22-0001", "9" * 100])
def test_keypays_own_numbers_may_be_any_that_can_be_printed(adapter: KeyPay, number: object) -> None:
    with Failing(ASKS, detail(transaction_code=number)):
        assert adapter.query_payment(a_query()).bank_transaction_id == str(number)
    with Failing((("POST", CREATE),), created(transaction_code=number)):
        assert adapter.open_payment(a_request()).bank_reference == str(number)
    taken = given_back(a_refund().description, status="1", transaction_refund_code=number)
    with Failing((("POST", REFUNDS),), taken):
        assert adapter.refund_payment(a_refund()).bank_refund_id == str(number)


@pytest.mark.parametrize("fee", ["", "0", 0, "1100"])
def test_a_fee_is_signed_as_it_is_written(adapter: KeyPay, fee: object) -> None:
    said = adapter.read_callback(sent(a_callback(addition_fee=fee)))
    assert (said.reference, said.amount, said.outcome) == (ATTEMPT, AMOUNT, Outcome.PENDING)


@pytest.mark.parametrize("amount", [1, 999_999_999_999])
def test_the_smallest_and_the_largest_amount_are_read(adapter: KeyPay, amount: int) -> None:
    assert adapter.read_callback(sent(a_callback(trans_amount=str(amount)))).amount == dong(amount)


def test_one_word_for_given_back_and_for_failed_is_neither(tmp_path: Path) -> None:
    adapter = built(tmp_path, REFUNDED_STATUS="3", UNREFUNDED_STATUS="3")
    with Failing(REFUND_ASKS, refund_detail(status="3")):
        said = adapter.query_refund(a_refund_query(bank_refund_id=GIVEN_BACK))
    assert (said.outcome, said.code) == (RefundOutcome.PENDING, "3")


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    said, section = repr(built(tmp_path)), a_section(tmp_path)
    assert section["SECRET"] not in said
    assert section["SECRET_RECEIVED"] not in said
