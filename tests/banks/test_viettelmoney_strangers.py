"""Viettel Money as nobody has seen it yet: what its page leaves open is not refused, and never guessed either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bank_adapters.viettelmoney import REFUNDS, ViettelMoney
from payment_hub.domain.banks.values import Confirmation, Outcome, PayerAccount, RefundOutcome
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, ORDER, a_query, a_refund
from tests.banks.faults import Failing
from tests.banks.viettelmoney_messages import (
    API,
    NUMBER,
    a_result,
    a_section,
    answered,
    built,
    read,
    refunded,
    sent,
    signed,
)

ASKS_AT = (("POST", API),)


@pytest.fixture
def adapter(tmp_path: Path) -> ViettelMoney:
    return built(tmp_path)


def is_asked_about(said: Confirmation) -> bool:
    """Kept, but neither paid nor failed, and without a value that could be a piece of another one."""
    return (said.outcome, said.reference, said.amount, said.bank_transaction_id) == (
        Outcome.PENDING,
        ATTEMPT,
        None,
        None,
    )


# The number of a transaction ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [*("1" * n for n in (1, 6, 17, 19, 40)), "VT26112200000123", "2611-22_0.1", ""]
)
def test_paid_under_a_number_of_another_length_is_kept_and_asked_about(
    adapter: ViettelMoney, number: str
) -> None:
    assert is_asked_about(read(adapter, vt_transaction_id=number))


@pytest.mark.parametrize("digits", [1, 12, 13, 19, 40])
def test_the_agreed_length_makes_it_a_fact(tmp_path: Path, digits: int) -> None:
    adapter = built(tmp_path, TRANSACTION_DIGITS=str(digits))
    said = read(adapter, vt_transaction_id="7" * digits)
    assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, AMOUNT, "7" * digits)
    assert is_asked_about(read(adapter, vt_transaction_id="7" * (digits + 1)))


def test_where_no_length_is_agreed_every_payment_is_asked_about(tmp_path: Path) -> None:
    adapter = built(tmp_path, TRANSACTION_DIGITS="0")
    for number in (NUMBER, "", "1"):
        assert is_asked_about(read(adapter, vt_transaction_id=number))


@pytest.mark.parametrize("number", ["1", "12345", "1" * 40, "VT26112200000123", NUMBER])
def test_in_an_answer_the_number_can_be_cut_in_one_way_alone(adapter: ViettelMoney, number: str) -> None:
    """Behind our own order_id stand a status, the version and the number: no amount."""
    with Failing(ASKS_AT, answered(vt_transaction_id=number)):
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, AMOUNT, number)


@pytest.mark.parametrize("number", ["1", "VT-2611.22_000123", "1" * 64])
def test_money_under_any_such_number_can_be_given_back(adapter: ViettelMoney, number: str) -> None:
    with Failing(ASKS_AT, refunded()):
        said = adapter.refund_payment(a_refund(bank_transaction_id=number))
    assert said.outcome is RefundOutcome.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "outcome"), [("2", "DECLINED"), ("5", "DECLINED"), ("0", "PENDING"), ("3", "PENDING")]
)
def test_a_status_is_believed_whatever_the_number(adapter: ViettelMoney, status: str, outcome: str) -> None:
    for number in ("", "12", NUMBER):
        assert read(adapter, payment_status=status, vt_transaction_id=number).outcome == outcome


# Who paid, and why not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "payer"),
    [
        ("84900000000", "84900000000"),
        ("0900000000", "0900000000"),
        ("8490****000", None),
        ("900000000", None),
        ("849000000001", None),
        ("", None),
    ],
)
def test_a_payer_is_told_only_by_a_whole_telephone_number(
    adapter: ViettelMoney, number: str, payer: str | None
) -> None:
    said = read(adapter, cust_msisdn=number)
    assert (said.outcome, said.amount) == (Outcome.PAID, AMOUNT)
    assert said.payer == (PayerAccount(payer) if payer else None)


@pytest.mark.parametrize(
    "cut", [(f"{ORDER}8", "4900000000"), (f"{ORDER}84", "900000000"), ("HS0001", "84900000000")]
)
def test_a_payer_is_told_only_behind_a_billcode_that_is_the_orders(
    adapter: ViettelMoney, cut: tuple[str, str]
) -> None:
    said = read(adapter, billcode=cut[0], cust_msisdn=cut[1])
    assert (said.outcome, said.amount, said.payer) == (Outcome.PAID, AMOUNT, None)


@pytest.mark.parametrize("code", ["", "0", "000", "w04", "S_MAINTAIN", "VERY_LONG_CODE_000001"[:20]])
def test_a_code_that_nobody_wrote_down_is_neither_paid_nor_refused(adapter: ViettelMoney, code: str) -> None:
    assert read(adapter, error_code=code).outcome is Outcome.PENDING


@pytest.mark.parametrize("order", ["HUB_2026.11-22", "a", "9" * 50])
def test_an_order_of_nobodys_is_told_as_it_is(adapter: ViettelMoney, order: str) -> None:
    said = read(adapter, order_id=order, billcode=order)
    assert (said.reference, said.amount, said.bank_transaction_id) == (order, AMOUNT, NUMBER)


@pytest.mark.parametrize("more", [{"error_msg": "Thành công & xong"}, {"fee": "0.5"}, {"return_url": ""}])
def test_fields_that_nobody_wrote_down_change_nothing(adapter: ViettelMoney, more: dict[str, str]) -> None:
    assert adapter.read_callback(sent(signed(a_result()) | more)) == read(adapter)


# What the page fixes --------------------------------------------------------------------------------


def test_every_code_of_a_refund_is_known() -> None:
    page = "M01 M05 218 KG3 27 KG8 176 485 655 457 17 159 813 927"
    assert list(REFUNDS) == ["00", *page.split()]


def test_every_code_of_a_payment_is_known(adapter: ViettelMoney) -> None:
    page = "00 22 V01 V02 V03 V04 V05 V06 21 685 16 W04 S_MAINTAIN 99 M01 M02 M03 M04 813"
    assert set(page.split()) <= set(adapter.profile.codes)


@pytest.mark.parametrize("amount", [1, 999_999_999_999])
def test_the_largest_and_the_smallest_amount_are_read(adapter: ViettelMoney, amount: int) -> None:
    assert read(adapter, trans_amount=str(amount)).amount == dong(amount)


def test_an_answer_may_hold_more_than_was_written_down(adapter: ViettelMoney) -> None:
    for more in ({"fee": 0.5}, {"error_msg": "Thành công"}, {"return_other_info": None}, {"x": [1.5, {}]}):
        with Failing(ASKS_AT, {"json": {**more, **answered()["json"]}}):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID


def test_an_answer_that_is_not_about_our_order_is_none(adapter: ViettelMoney) -> None:
    for other in (f"{ORDER}-2", ORDER, f"{ATTEMPT}1", ""):
        with Failing(ASKS_AT, answered(order_id=other)), pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    section: dict[str, Any] = a_section(tmp_path)
    said = repr(built(tmp_path))
    assert section["SECRET"] not in said
    assert section["ACCESS_SECRET"] not in said
