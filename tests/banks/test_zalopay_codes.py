"""ZaloPay v2: what is believed of its callbacks, and what each code means in an answer."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.zalopay import REFUSALS, ZaloPay
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, DAY, NOON, a_query
from tests.banks.faults import Failing, refuses
from tests.banks.zalopay_messages import (
    KEY1,
    KEY2,
    NAMED,
    NUMBER,
    QUERY,
    STATEMENT,
    a_section,
    an_order,
    answered,
    mac,
    told,
)

ASKS = (("POST", QUERY),)


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)})["zalopay"]


# Being told ----------------------------------------------------------------------------------------


def test_a_callback_signed_with_the_key_of_requests_is_rejected(adapter: ZaloPay) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(an_order(), key=KEY1))


@pytest.mark.parametrize("kind", [2, 0, 3, -1, "1", None, True, [1]])
def test_only_an_order_is_a_payment(adapter: ZaloPay, kind: object) -> None:
    """2 is an agreement to be debited. The type is not signed, so that it may refuse, but never make a payment."""
    with pytest.raises(Malformed):
        adapter.read_callback(told(an_order(), type=kind))


def test_an_agreement_that_is_called_an_order_is_no_payment(adapter: ZaloPay) -> None:
    agreement = {
        "app_id": 2553,
        "app_trans_id": NAMED,
        "binding_id": "b1",
        "pay_token": "t",
        "status": 1,
        "msg_type": 1,
    }
    with pytest.raises(Malformed):
        adapter.read_callback(told(agreement, type=1))


def test_the_text_is_signed_as_it_stands(adapter: ZaloPay) -> None:
    """The same JSON, written otherwise, under the mac of the first."""
    data = json.dumps(an_order())
    compact = json.dumps(an_order(), separators=(",", ":"))
    assert adapter.read_callback(told(data)).amount == adapter.read_callback(told(compact)).amount
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(compact, mac=mac(KEY2, data)))


@pytest.mark.parametrize("name", ["embed_data", "item", "merchant_user_id", "channel", "a_new_field"])
@pytest.mark.parametrize(
    "value",
    ["", None, 1.5, [{"a": None}], {"b": True}, "Lệ phí|1+1 %20&=\"'\\/ \U0001f600", 10**19, "x" * 4000],
)
def test_what_else_is_in_the_data_changes_nothing(adapter: ZaloPay, name: str, value: object) -> None:
    plain = adapter.read_callback(told(an_order()))
    for data in (an_order() | {name: value}, json.dumps(an_order() | {name: value}, indent=2)):
        assert adapter.read_callback(told(data)) == plain


def test_the_reference_is_ours_without_the_day(adapter: ZaloPay) -> None:
    for named, reference in {
        NAMED: ATTEMPT,
        "261122_K0_1": "K0_1",
        "typed by hand": "typed by hand",
        "26112_K0-1": "26112_K0-1",
    }.items():
        assert adapter.read_callback(told(an_order(app_trans_id=named))).reference == reference


@pytest.mark.parametrize("number", [NUMBER, str(NUMBER), 2**63 - 1])
def test_a_transaction_is_a_number_or_the_text_of_one(adapter: ZaloPay, number: object) -> None:
    said = adapter.read_callback(told(an_order(zp_trans_id=number)))
    assert said.bank_transaction_id == str(number)
    assert said.event_id == f"callback:{NAMED}:{number}"


def test_the_same_order_paid_by_two_transactions_is_two_events(adapter: ZaloPay) -> None:
    one, other = (adapter.read_callback(told(an_order(zp_trans_id=NUMBER + more))) for more in (0, 1))
    assert one.event_id != other.event_id


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "150000"},
        {"amount": 150000.5},
        {"amount": None},
        {"amount": True},
        {"zp_trans_id": 0},
        {"zp_trans_id": None},
        {"zp_trans_id": True},
        {"zp_trans_id": "x"},
        {"app_trans_id": ""},
        {"app_trans_id": None},
    ],
)
def test_a_genuine_message_that_makes_no_sense_is_malformed(
    adapter: ZaloPay, changes: dict[str, Any]
) -> None:
    with pytest.raises(Malformed):
        adapter.read_callback(told(an_order(**changes)))


@pytest.mark.parametrize("moment", [1_795_323_600, 17_953_236_000_000, "soon", None, -1_795_323_600_000])
def test_a_time_that_is_not_in_milliseconds_is_left_out(adapter: ZaloPay, moment: object) -> None:
    said = adapter.read_callback(told(an_order(server_time=moment)))
    assert (said.outcome, said.paid_at) == (Outcome.PAID, None)


def test_another_apps_message_is_rejected(adapter: ZaloPay) -> None:
    for app in (2554, "2553", None):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(an_order(app_id=app)))


@pytest.mark.parametrize("data", ["", "[]", "null", "x", '{"app_id":2553', '{"app_id":2553,"app_id":2553}'])
def test_signed_data_that_are_no_object_are_malformed(adapter: ZaloPay, data: str) -> None:
    with pytest.raises(Malformed):
        adapter.read_callback(told(data))


@pytest.mark.parametrize(
    "spoil", [{"data": {"app_id": 2553}}, {"data": None}, {"mac": None}, {"mac": 7}, {"mac": "\u0663"}]
)
def test_a_spoilt_message_is_rejected(adapter: ZaloPay, spoil: dict[str, Any]) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(an_order(), **spoil))


def test_bytes_that_are_no_message_are_rejected(adapter: ZaloPay) -> None:
    for body in (b"", b"[]", b"data=1&mac=2", b'{"data":"\\ud800","mac":"00","type":1}'):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(CallbackRequest("POST", "/callbacks/zalopay", b"", {}, body, NOON))


# Asking --------------------------------------------------------------------------------------------


def ask(adapter: ZaloPay, **said: Any) -> Any:
    with Failing(ASKS, answered(**said)):
        return adapter.query_payment(a_query())


def test_a_processed_order_is_pending_whatever_else_is_said(adapter: ZaloPay) -> None:
    for code in (1, 2, 3):
        said = ask(adapter, code=code, is_processing=True, amount=150_000, zp_trans_id=NUMBER)
        assert (said.outcome, said.bank_transaction_id) == (Outcome.PENDING, None)


@pytest.mark.parametrize("sub", [*map(int, REFUSALS)])
def test_a_refused_question_says_nothing_of_the_payment(adapter: ZaloPay, sub: int) -> None:
    assert refuses(BankUnavailable, lambda: ask(adapter, code=2, sub=sub))
    assert refuses(BankUnavailable, lambda: ask(adapter, code=sub, sub=0))
    assert ask(adapter, code=1, sub=sub, amount=150_000, zp_trans_id=NUMBER).outcome is Outcome.PAID


@pytest.mark.parametrize("sub", [-54, -329, -322, 0, -1234, None])
def test_a_failed_order_is_declined_with_its_reason(adapter: ZaloPay, sub: int | None) -> None:
    said = ask(adapter, code=2, sub=sub)
    assert (said.outcome, said.code, said.amount) == (
        Outcome.DECLINED,
        f"2/{'' if sub is None else sub}",
        None,
    )


def test_the_answer_tells_no_time(adapter: ZaloPay) -> None:
    assert (
        ask(adapter, code=1, amount=150_000, zp_trans_id=NUMBER, server_time=1_795_323_600_000).paid_at
        is None
    )


# The file of the day -------------------------------------------------------------------------------


def test_the_file_of_a_day_names_our_references(adapter: ZaloPay, tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.csv").write_text(STATEMENT, "utf-8")
    first, second = adapter.fetch_statement(DAY).lines
    assert (first.reference, first.amount, first.bank_transaction_id) == (ATTEMPT, dong(150_000), str(NUMBER))
    assert first.booked_at == NOON
    assert (second.reference, second.booked_at) == ("typed by hand", NOON + timedelta(seconds=43_199))
