"""Viettel Money: our answers, and what we ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.viettelmoney import REFUNDS, ViettelMoney
from payment_hub.domain.banks.values import Answer, Bill, Due, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from tests.banks.examples import AMOUNT, ATTEMPT, ORDER, a_query, a_refund, a_request
from tests.banks.faults import Failing
from tests.banks.viettelmoney_messages import (
    API,
    MERCHANT,
    NUMBER,
    a_question,
    a_result,
    a_section,
    answered,
    asked,
    check_sum,
    refunded,
    sent,
    signed,
)

ASKS_AT = (("POST", API),)


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["viettelmoney"], {"viettelmoney": a_section(tmp_path)})["viettelmoney"]


# Our words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", Answer)
def test_our_answer_is_signed_and_names_the_order(adapter: ViettelMoney, answer: Answer) -> None:
    said = json.loads(adapter.acknowledge(answer, sent(signed(a_result()))).body)
    names = ("error_code", "merchant_code", "order_id")
    assert said["check_sum"] == check_sum({name: said[name] for name in names})
    assert said["order_id"] == ATTEMPT
    assert set(said) == {*names, "check_sum", "return_url", "return_bill_code", "return_other_info"}
    codes = {Answer.NO_SUCH_ORDER: "01", Answer.NOT_RECORDED: "03"}
    assert said["error_code"] == codes.get(answer, "00")


def test_a_refusal_signs_nothing_that_a_stranger_wrote(adapter: ViettelMoney) -> None:
    """Else he could have us sign ``02HUB`` and whatever makes a result of it."""
    forged = a_result(order_id=f"X84900000000{'00'}{MERCHANT}{ATTEMPT}1150000{NUMBER}")
    plain = adapter.refuse(sent(b""))
    for path, fields in ((sent, forged), (sent, {"order_id": "<script>"}), (sent, {})):
        assert adapter.refuse(path(fields)) == plain
    assert plain is not None
    said = json.loads(plain.body)
    assert (said["error_code"], said["order_id"], plain.status) == ("02", "", 200)
    assert said["check_sum"] == check_sum({"error_code": "02", "merchant_code": MERCHANT, "order_id": ""})


def test_a_refused_question_is_answered_with_02(adapter: ViettelMoney) -> None:
    reply = adapter.refuse(asked(signed(a_question()) | {"trans_amount": "1"}))
    assert reply is not None
    said = json.loads(reply.body)
    assert (said["error_code"], said["order_id"], said["trans_amount"]) == ("02", "", "")


@pytest.mark.parametrize("due", Due)
def test_our_answer_to_a_question_repeats_it_and_is_signed(adapter: ViettelMoney, due: Due) -> None:
    reply = adapter.answer_inquiry(
        adapter.read_inquiry(asked(signed(a_question()))), Bill(due, ORDER, ATTEMPT, AMOUNT)
    )
    said = json.loads(reply.body)
    given = said.pop("check_sum")
    assert given == check_sum(said)
    assert {**said, "error_code": ""} == {**a_question(), "error_code": ""}


def test_a_question_cut_in_other_places_is_not_believed(adapter: ViettelMoney) -> None:
    genuine = signed(a_question())
    for cut in (
        {"order_id": f"{ATTEMPT}1", "trans_amount": "50000"},
        {"order_id": f"{ATTEMPT}15", "trans_amount": "0000"},
    ):
        assert check_sum(a_question(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(asked(genuine | cut))


# Asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["10", "12", "99"])
def test_a_tenth_attempt_could_be_read_as_another_and_is_not_sent(adapter: ViettelMoney, number: str) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request(attempt_reference=f"{ORDER}-{number}"))


def test_the_amount_of_an_answer_is_the_one_that_we_signed(adapter: ViettelMoney) -> None:
    with Failing(ASKS_AT, answered(trans_amount="1")), pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())
    with Failing(ASKS_AT, {"json": answered()["json"] | {"trans_amount": "1"}}):
        assert adapter.query_payment(a_query()).amount == AMOUNT


@pytest.mark.parametrize("code", ["V01", "M01", "S_MAINTAIN"])
def test_a_question_that_viettel_refuses_is_unanswered(adapter: ViettelMoney, code: str) -> None:
    refusal = {"merchant_code": MERCHANT, "order_id": ATTEMPT, "error_code": code, "version": "2.0"}
    with Failing(ASKS_AT, {"json": signed(refusal)}), pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())


@pytest.mark.parametrize(("code", "outcome"), [(code, outcome) for code, (outcome, _) in REFUNDS.items()])
def test_a_refund_has_failed_only_when_viettel_says_why(
    adapter: ViettelMoney, code: str, outcome: RefundOutcome
) -> None:
    with Failing(ASKS_AT, refunded(error_code=code)):
        said = adapter.refund_payment(a_refund())
    assert (said.outcome, said.code, said.bank_refund_id) == (outcome, code, None)
    doubtful = {"176", "813", "927"}
    assert (outcome is RefundOutcome.PENDING) is (code in doubtful)


def test_an_unsigned_answer_with_a_good_code_is_no_refund(adapter: ViettelMoney) -> None:
    bare = {"error_code": "00", "merchant_code": MERCHANT, "order_id": ATTEMPT, "version": "2.0"}
    with Failing(ASKS_AT, {"json": bare}), pytest.raises(BankUnavailable):
        adapter.refund_payment(a_refund())


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"QUERY_ANSWER_SIGNS": "error_code merchant_code order_id"},
        {"QUERY_ANSWER_SIGNS": "order_id error_code payment_status vt_transaction_id amount"},
        {"VERIFY_ANSWER_SIGNS": "billcode"},
        {"SPELLING": "raw"},
        {"TRANSACTION_DIGITS": "41"},
    ],
)
def test_a_setting_that_would_leave_facts_unsigned_is_refused(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(BankSettingsError):
        load_adapters(["viettelmoney"], {"viettelmoney": a_section(tmp_path) | changes})


def test_a_body_that_repeats_a_field_is_rejected(adapter: ViettelMoney) -> None:
    body = urlencode([*signed(a_result()).items(), ("order_id", ATTEMPT)]).encode()
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(body))
