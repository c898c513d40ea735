"""MoMo v2: what each resultCode means where it is told, and nothing more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.momo import OUTCOMES, RESULTS, Momo, Result
from payment_hub.domain.banks.values import Answer, Outcome, RefundAnswer, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, a_query, a_refund, a_refund_query
from tests.banks.faults import Failing, refuses
from tests.banks.momo_messages import (
    CONFIRM,
    NUMBER,
    QUERY,
    REFUND,
    REFUND_NUMBER,
    a_notice,
    a_section,
    answering,
    listing,
    signed,
    told,
)

ASKS, CONFIRMS, REFUNDS_AT = ((("POST", address),) for address in (QUERY, CONFIRM, REFUND))
UNHEARD_OF = 7777
CODES_OF = {sort: [int(code) for code, (one, _) in RESULTS.items() if one is sort] for sort in Result}


def built(folder: Path, **changes: str) -> Any:
    """The adapter of a partner."""
    return load_adapters(["momo"], {"momo": a_section(folder) | changes})["momo"]


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return built(tmp_path)


# Being told ---------------------------------------------------------------------------------------


def test_there_are_36_codes_and_each_has_one_meaning() -> None:
    assert len(RESULTS) == len(OUTCOMES) == 36
    assert [code for code, outcome in OUTCOMES.items() if outcome is Outcome.PAID] == ["0"]
    assert all(meaning for _, meaning in RESULTS.values())


@pytest.mark.parametrize("code", [*map(int, RESULTS), UNHEARD_OF, -1])
def test_only_final_codes_end_a_payment(adapter: Momo, code: int) -> None:
    said = adapter.read_callback(told(signed(a_notice(resultCode=code))))
    expected = Outcome.PAID if code == 0 else Outcome.PENDING
    if code in CODES_OF[Result.FINAL]:
        expected = Outcome.DECLINED
    assert (said.outcome, said.code, said.authorised) == (expected, str(code), code == 9000)


def test_the_pending_codes_are_these_four() -> None:
    assert CODES_OF[Result.WAITING] == [1000, 7000, 7002, 9000]


def test_authorised_and_then_paid_are_two_events(adapter: Momo) -> None:
    held, paid = (adapter.read_callback(told(signed(a_notice(resultCode=code)))) for code in (9000, 0))
    assert held.event_id != paid.event_id
    assert (held.outcome, held.bank_transaction_id) == (Outcome.PENDING, paid.bank_transaction_id)


def test_the_access_key_is_ours_and_never_the_messages(adapter: Momo, tmp_path: Path) -> None:
    genuine = signed(a_notice())
    other = built(tmp_path, ACCESS_KEY="AnotherKey")
    for message in (told(genuine), told({**genuine, "accessKey": "F8BBA842ECF85"})):
        with pytest.raises(CallbackRejected):
            other.read_callback(message)
    assert adapter.read_callback(told({**genuine, "accessKey": "AnotherKey"})).outcome is Outcome.PAID


def test_another_partners_message_is_rejected(adapter: Momo) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(signed(a_notice(partnerCode="OTHER"))))


def test_a_message_that_can_be_cut_in_two_ways_is_rejected(adapter: Momo) -> None:
    """The words of one field hold the beginning of the next: the same text, signed, says two things."""
    genuine = a_notice(message="ok&orderId=K0-1&orderInfo=x", orderInfo="y")
    recut = a_notice(message="ok", orderId="K0-1", orderInfo=f"x&orderId={ATTEMPT}&orderInfo=y")
    assert signed(genuine)["signature"] == signed(recut)["signature"]
    for fields in (genuine, recut):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(signed(fields)))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "150000.5"},
        {"amount": "-150000"},
        {"amount": ""},
        {"amount": "0150000"},
        {"transId": 0},
        {"transId": ""},
        {"transId": "4088-1"},
        {"orderId": ""},
    ],
)
def test_a_genuine_message_that_makes_no_sense_is_malformed(adapter: Momo, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        adapter.read_callback(told(signed(a_notice(**changes))))


@pytest.mark.parametrize("moment", ["1795323600", "17953236000000", "soon", ""])
def test_a_time_that_is_not_in_milliseconds_is_left_out(adapter: Momo, moment: str) -> None:
    said = adapter.read_callback(told(signed(a_notice(responseTime=moment))))
    assert (said.outcome, said.paid_at) == (Outcome.PAID, None)


@pytest.mark.parametrize("answer", Answer)
def test_what_is_stored_is_answered_with_nothing(adapter: Momo, answer: Answer) -> None:
    reply = adapter.acknowledge(answer, told(a_notice()))
    assert (reply.status, reply.body) == (503 if answer is Answer.NOT_RECORDED else 204, b"")


def test_it_has_no_words_for_a_message_that_is_not_believed(adapter: Momo) -> None:
    assert adapter.refuse(told(a_notice())) is None


# Asking -------------------------------------------------------------------------------------------


def test_a_refused_question_says_nothing_of_the_payment(adapter: Momo) -> None:
    for code in set(CODES_OF[Result.REQUEST]) - {42}:
        for status in (200, 400):
            with Failing(ASKS, answering(code, status=status)):
                assert refuses(BankUnavailable, lambda: adapter.query_payment(a_query())), code


@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_order_that_momo_does_not_know_is_pending(adapter: Momo, status: int) -> None:
    with Failing(ASKS, answering(42, status=status)):
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.code, said.amount) == (Outcome.PENDING, "42", None)


def test_an_answers_time_is_not_the_payments(adapter: Momo) -> None:
    with Failing(ASKS, answering(0, amount=150_000, transId=NUMBER)):
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.paid_at) == (Outcome.PAID, None)


def test_asked_it_says_that_money_is_held(adapter: Momo) -> None:
    with Failing(ASKS, answering(9000, amount=150_000, transId=NUMBER)):
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.authorised) == (Outcome.PENDING, True)


@pytest.mark.parametrize("verb", ["capture", "cancel"])
@pytest.mark.parametrize("code", [*map(int, RESULTS), UNHEARD_OF])
def test_only_three_codes_end_a_held_payment(adapter: Momo, verb: str, code: int) -> None:
    ask = adapter.capture_payment if verb == "capture" else adapter.cancel_payment
    with Failing(CONFIRMS, answering(code, amount=150_000, transId=NUMBER)):
        if code in CODES_OF[Result.REQUEST]:
            assert refuses(BankUnavailable, lambda: ask(a_query()))
            return
        said = ask(a_query())
    ends: dict[int, Outcome] = {1003: Outcome.DECLINED, 1017: Outcome.DECLINED}
    ends[0] = Outcome.PAID if verb == "capture" else Outcome.DECLINED
    assert said.outcome is ends.get(code, Outcome.PENDING)


# Giving back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*map(int, RESULTS), UNHEARD_OF])
def test_a_refund_ends_by_what_is_final_or_was_never_taken(adapter: Momo, code: int) -> None:
    given_back = partial(adapter.refund_payment, a_refund(bank_transaction_id=str(NUMBER)))
    with Failing(REFUNDS_AT, answering(code, transId=0)):
        if code in (10, 43):
            assert refuses(BankUnavailable, given_back)
            return
        said = given_back()
    failed = {*CODES_OF[Result.FINAL], *CODES_OF[Result.REFUND], *CODES_OF[Result.REQUEST]} - {99, 40, 41}
    expected = RefundOutcome.SUCCEEDED if code == 0 else RefundOutcome.PENDING
    assert said == RefundAnswer(RefundOutcome.FAILED if code in failed else expected, str(code))


def test_a_refusal_that_names_no_refund_proves_nothing(adapter: Momo) -> None:
    given_back = partial(adapter.refund_payment, a_refund(bank_transaction_id=str(NUMBER)))
    with Failing(REFUNDS_AT, answering(13, orderId=None, requestId=None)):
        assert refuses(BankUnavailable, given_back)


def test_a_domestic_card_is_given_back_ten_thousand_or_more(tmp_path: Path) -> None:
    adapter = built(tmp_path, REQUEST_TYPE="payWithATM")
    little = a_refund(bank_transaction_id=str(NUMBER), amount=dong(9_999))
    with pytest.raises(Malformed):
        adapter.refund_payment(little)


@pytest.mark.parametrize("transaction", ["", "0", "FT26326000123", "4088878653.0"])
def test_a_transaction_that_is_no_number_is_not_momos(adapter: Momo, transaction: str) -> None:
    with pytest.raises(Malformed):
        adapter.refund_payment(a_refund(bank_transaction_id=transaction))


def test_a_refund_that_is_not_listed_may_be_on_its_way(adapter: Momo) -> None:
    for listed in (None, [], [{"orderId": "RF-another", "amount": 1, "resultCode": 0}]):
        with Failing(ASKS, answering(0, amount=150_000, transId=NUMBER, refundTrans=listed)):
            said = adapter.query_refund(a_refund_query())
        assert said == RefundAnswer(RefundOutcome.PENDING, "not listed")


def test_a_listed_refund_is_told_with_its_own_transaction(adapter: Momo) -> None:
    with Failing(ASKS, listing(0)):
        said = adapter.query_refund(a_refund_query())
    assert said == RefundAnswer(RefundOutcome.SUCCEEDED, "0", str(REFUND_NUMBER))


def test_an_unbelievable_list_is_no_answer(adapter: Momo) -> None:
    for answer in (
        listing(0, amount=150_001),
        listing(0, resultCode="0"),
        answering(0, refundTrans="none"),
        answering(0, refundTrans=["x"]),
        answering(42),
    ):
        with Failing(ASKS, answer):
            assert refuses(BankUnavailable, lambda: adapter.query_refund(a_refund_query()))
