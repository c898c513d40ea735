"""ZaloPay v2: the contract, the opening of an order and its return."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply, business_day
from bank_adapters.simulators.zalopay import APP, KEY1, KEY2, ZaloPaySimulator, mac
from bank_adapters.zalopay import CODES, REFUSALS, ZaloPay
from payment_hub.domain.banks.port import CanQuery
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Outcome,
    PaymentRequest,
    RefundAnswer,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import (
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    ReturnContract,
    StatementContract,
)
from tests.banks.contract import refunds as refund_contract
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    DAY,
    NOON,
    PUBLIC_URL,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.faults import Failing, refuses

# Messages
# ------------------------------------------------------------------------------------------------

URL = "https://zalopay.test"
CREATE, QUERY, REFUND, QUERY_REFUND = (
    f"{URL}/v2/{verb}" for verb in ("create", "query", "refund", "query_refund")
)
NAMED = f"261122_{ATTEMPT}"
NUMBER, REFUND_NUMBER = 261122000000389, 261122000000777
SIMULATOR = ZaloPaySimulator(URL, PUBLIC_URL)
OPENED = {
    "day": "261122",
    "app_time": int(NOON.timestamp()) * 1000 - 60_000,
    "app_user": "payment-hub",
    "embed_data": "{}",
    "item": "[]",
}
PAYMENT = Payment(ATTEMPT, 150_000, OPENED, outcome="PAID", transaction_id=str(NUMBER), paid_at=NOON)
PAGE = "https://qcgateway.zalopay.vn/openinapp?order=eyJ6cHRyYW5zdG9rZW4iOiJBQyJ9"

STATEMENT = (
    "NGAY_GIAO_DICH,MA_GD_MERCHANT,MA_GD_ZALOPAY,MA_KH,TRANG_THAI_GIAO_DICH,SO_TIEN_GIAO_DICH\n"
    f"22/11/2026 12:00:00,{NAMED},{NUMBER},,1,150000\n"
    "22/11/2026 12:01:00,261122_K0-1,261122000000390,,Thất bại,70000\n"
    "22/11/2026 23:59:59,typed by hand,261122000000391,,Thành công,5000\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of an app whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "APP_ID": str(APP),
        "SECRET": KEY2,
        "REQUEST_SECRET": KEY1,
        "STATEMENTS": str(folder),
    }


def an_order(**changes: Any) -> dict[str, Any]:
    """The data of a payment of 150,000 dong made at noon; a field that is None is left out."""
    body = json.loads(SIMULATOR.callback(PAYMENT, at=NOON).body)
    fields = json.loads(body["data"]) | changes
    return {name: value for name, value in fields.items() if value is not None}


def callback_request(data: str | dict[str, Any], /, key: str = KEY2, **more: Any) -> CallbackRequest:
    """The callback with these data."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    body = json.dumps({"data": text, "mac": mac(key, text), "type": 1} | more, ensure_ascii=False)
    return CallbackRequest("POST", "/callbacks/zalopay", b"", {}, body.encode(), NOON)


def a_return(**changes: Any) -> dict[str, Any]:
    """The fields that the citizen's browser brings back, with their checksum."""
    back = {**OPENED, "embed_data": json.dumps({"redirecturl": PUBLIC_URL})}
    address = SIMULATOR.return_url(replace(PAYMENT, opened=back)) or ""
    fields: dict[str, Any] = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    del fields["checksum"]
    fields |= changes
    return {**fields, "checksum": mac(KEY2, *fields.values())}


def answered(code: object, sub: object = 1, **more: Any) -> dict[str, Any]:
    """An answer, as words for ``responses``; a field that is None is left out."""
    fields = {
        "return_code": code,
        "return_message": "x",
        "sub_return_code": sub,
        "sub_return_message": "x",
    } | more
    return {"json": {name: value for name, value in fields.items() if value is not None}}


# The contract
# ------------------------------------------------------------------------------------------------

CODE_OF: dict[Any, int] = {Outcome.PAID: 1, Outcome.DECLINED: 2, Outcome.PENDING: 3}
REFUND_CODES: dict[Any, int] = {
    RefundOutcome.SUCCEEDED: 1,
    RefundOutcome.FAILED: 2,
    RefundOutcome.PENDING: 3,
}
UNHEARD_OF = 4


class TestZaloPay(
    CallbackContract,
    ReturnContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
):
    bank = "zalopay"
    required = frozenset(
        f"BANK_ZALOPAY_{name}" for name in ("URL", "APP_ID", "SECRET", "REQUEST_SECRET", "STATEMENTS")
    )
    opens_at = (("POST", CREATE),)
    asks_at = (("POST", QUERY),)
    refunds_at = (("POST", REFUND),)
    refund_asks_at = (("POST", QUERY_REFUND),)
    tells_declined = False
    signs_answers = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered(1, order_url=PAGE, zp_trans_token="ACj1a2b3c4")

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "no page": answered(1),
            "a page elsewhere": answered(1, order_url="http://zalopay.test/pay"),
            "a page that is a program": answered(1, order_url="javascript:alert(1)"),
            "no code": answered(None, order_url=PAGE),
            "a code as text": answered("1", order_url=PAGE),
            "a truth value": answered(True, order_url=PAGE),
            "a token that is a list": answered(1, order_url=PAGE, zp_trans_token=["x"]),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        assert outcome is Outcome.PAID, "ZaloPay calls for nothing else"
        return callback_request(an_order(**changes))

    def is_sent_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["return_code"] == 0

    def returned(self, outcome: Outcome | str) -> bytes:
        return urlencode(a_return(status=CODE_OF.get(outcome, UNHEARD_OF))).encode()

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        paid = {"zp_trans_id": NUMBER} if outcome is Outcome.PAID else {"zp_trans_id": 0}
        return answered(CODE_OF.get(outcome, UNHEARD_OF), is_processing=False, amount=150_000, **paid)

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        paid = partial(answered, 1, amount=150_000, zp_trans_id=NUMBER)
        return {
            "another payment": paid(amount=150_001),
            "no amount": paid(amount=None),
            "an amount as text": paid(amount="150000"),
            "no transaction": paid(zp_trans_id=0),
            "a transaction below nothing": paid(zp_trans_id=-5),
            "a transaction as a list": paid(zp_trans_id=[NUMBER]),
            "no code": answered(None, amount=150_000, zp_trans_id=NUMBER),
            "a code with a fraction": answered(1.0, amount=150_000, zp_trans_id=NUMBER),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return answered(REFUND_CODES.get(outcome, UNHEARD_OF), refund_id=REFUND_NUMBER)

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "no code": answered(None, refund_id=REFUND_NUMBER),
            "a code as text": answered("1", refund_id=REFUND_NUMBER),
            "a reason as a list": answered(2, [-401]),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return self.refund_answer(outcome)

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def it_is_noon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On the wire, as in the requests."""
        monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON)

    @pytest.fixture(autouse=True)
    def transactions_are_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ZaloPay's transaction is a number; the contract's refund names one of letters."""
        numbered = partial(a_refund, bank_transaction_id=str(NUMBER))
        monkeypatch.setattr(refund_contract, "a_refund", numbered)

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_the_page_and_we_keep_the_token(self, adapter: ZaloPay) -> None:
        given = self.opened(adapter)
        assert (given.page_url, given.bank_reference) == (PAGE, "ACj1a2b3c4")

    @pytest.mark.parametrize(
        ("code", "sub"), [(2, -68), (2, -401), (2, -500), (2, 0), (3, 1), (0, 0), (-429, 0)]
    )
    def test_whatever_is_not_success_opens_nothing_and_ends_nothing(
        self, adapter: ZaloPay, code: int, sub: int
    ) -> None:
        """-68: the order exists. The attempt was opened before, and is asked about; never opened twice."""
        with Failing(self.opens_at, answered(code, sub, order_url=PAGE)):
            assert refuses(BankUnavailable, lambda: adapter.open_payment(a_request()))

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "K" * 34},
            {"attempt_reference": "K|1"},
            {"attempt_reference": ""},
            {"description": "a|b"},
            {"description": "a\nb"},
            {"description": ""},
            {"return_url": "https://hub.test/a|b"},
            {"return_url": "javascript:alert(1)"},
            {"bank_choice": "CC|1"},
            {"amount": dong(0)},
            {"amount": Money(100, "USD")},
            {"expires_at": NOON + timedelta(seconds=299)},
        ],
    )
    def test_what_zalopay_cannot_carry_is_not_sent(self, adapter: ZaloPay, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # The return -------------------------------------------------------------------------------------

    def test_a_return_is_for_display_and_names_no_transaction(self, adapter: ZaloPay) -> None:
        confirmation = adapter.read_return(urlencode(a_return()).encode())
        assert (confirmation.reference, confirmation.amount, confirmation.bank_transaction_id) == (
            ATTEMPT,
            dong(150_000),
            None,
        )
        assert (confirmation.outcome, confirmation.key) == (Outcome.PAID, 0)

    @pytest.mark.parametrize("changes", [{"appid": 2554}, {"apptransid": "261122_a|b"}, {"bankcode": "a|"}])
    def test_another_apps_or_an_ambiguous_return_is_rejected(
        self, adapter: ZaloPay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_return(urlencode(a_return(**changes)).encode())

    def test_a_callbacks_mac_is_no_checksum(self, adapter: ZaloPay) -> None:
        """What key1 signs is not what key2 signs, and an empty checksum is none."""
        for checksum in ("", "0" * 64, "x"):
            with pytest.raises(CallbackRejected):
                adapter.read_return(urlencode(a_return() | {"checksum": checksum}).encode())

    # The answer -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Answer.RECORDED, 1),
            (Answer.ALREADY_RECORDED, 2),
            (Answer.NO_SUCH_ORDER, 1),
            (Answer.WRONG_AMOUNT, 1),
            (Answer.NOT_RECORDED, 0),
        ],
    )
    def test_it_answers_in_zalopays_own_codes(self, adapter: ZaloPay, answer: Answer, code: int) -> None:
        reply = adapter.acknowledge(answer, callback_request(an_order()))
        assert (reply.status, json.loads(reply.body)["return_code"]) == (200, code)
        assert set(json.loads(reply.body)) == {"return_code", "return_message"}

    def test_what_is_not_believed_is_answered_with_a_wrong_mac(self, adapter: ZaloPay) -> None:
        reply = adapter.refuse(callback_request(an_order(), key="another-key"))
        assert reply is not None
        assert (reply.status, json.loads(reply.body)["return_code"]) == (200, -1)

    @pytest.mark.parametrize("changes", [{"amount": None}, {"zp_trans_id": 0}, {"app_id": 1}])
    def test_what_is_signed_and_cannot_be_read_is_asked_for_again(
        self, adapter: ZaloPay, changes: dict[str, Any]
    ) -> None:
        """It is stored nowhere: -1 would end the retries."""
        for message in (
            callback_request(an_order(**changes)),
            callback_request(an_order(), type=2),
            callback_request("[]"),
        ):
            with pytest.raises((Malformed, CallbackRejected)):
                adapter.read_callback(message)
            assert self.is_sent_again(adapter.refuse(message))  # type: ignore[arg-type]


# Callbacks that are accepted, and the meaning of each code in an answer
# ------------------------------------------------------------------------------------------------

ASKS = (("POST", QUERY),)


# Being told ----------------------------------------------------------------------------------------


def test_a_callback_signed_with_the_key_of_requests_is_rejected(adapter: ZaloPay) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(an_order(), key=KEY1))


@pytest.mark.parametrize("kind", [2, 0, 3, -1, "1", None, True, [1]])
def test_only_an_order_is_a_payment(adapter: ZaloPay, kind: object) -> None:
    """2 is an agreement to be debited. The type is not signed, so that it may refuse, but never make a payment."""
    with pytest.raises(Malformed):
        adapter.read_callback(callback_request(an_order(), type=kind))


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
        adapter.read_callback(callback_request(agreement, type=1))


def test_the_text_is_signed_as_it_stands(adapter: ZaloPay) -> None:
    """The same JSON, written otherwise, under the mac of the first."""
    data = json.dumps(an_order())
    compact = json.dumps(an_order(), separators=(",", ":"))
    assert (
        adapter.read_callback(callback_request(data)).amount
        == adapter.read_callback(callback_request(compact)).amount
    )
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(compact, mac=mac(KEY2, data)))


@pytest.mark.parametrize("name", ["embed_data", "item", "merchant_user_id", "channel", "a_new_field"])
@pytest.mark.parametrize(
    "value",
    ["", None, 1.5, [{"a": None}], {"b": True}, "Lệ phí|1+1 %20&=\"'\\/ \U0001f600", 10**19, "x" * 4000],
)
def test_what_else_is_in_the_data_changes_nothing(adapter: ZaloPay, name: str, value: object) -> None:
    plain = adapter.read_callback(callback_request(an_order()))
    for data in (an_order() | {name: value}, json.dumps(an_order() | {name: value}, indent=2)):
        assert adapter.read_callback(callback_request(data)) == plain


def test_the_reference_is_ours_without_the_day(adapter: ZaloPay) -> None:
    for named, reference in {
        NAMED: ATTEMPT,
        "261122_K0_1": "K0_1",
        "typed by hand": "typed by hand",
        "26112_K0-1": "26112_K0-1",
    }.items():
        assert adapter.read_callback(callback_request(an_order(app_trans_id=named))).reference == reference


@pytest.mark.parametrize("number", [NUMBER, str(NUMBER), 2**63 - 1])
def test_a_transaction_is_a_number_or_the_text_of_one(adapter: ZaloPay, number: object) -> None:
    confirmation = adapter.read_callback(callback_request(an_order(zp_trans_id=number)))
    assert confirmation.bank_transaction_id == str(number)
    assert confirmation.event_id == f"callback:{NAMED}:{number}"


def test_the_same_order_paid_by_two_transactions_is_two_events(adapter: ZaloPay) -> None:
    one, other = (
        adapter.read_callback(callback_request(an_order(zp_trans_id=NUMBER + more))) for more in (0, 1)
    )
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
        adapter.read_callback(callback_request(an_order(**changes)))


@pytest.mark.parametrize("moment", [1_795_323_600, 17_953_236_000_000, "soon", None, -1_795_323_600_000])
def test_a_time_that_is_not_in_milliseconds_is_left_out(adapter: ZaloPay, moment: object) -> None:
    confirmation = adapter.read_callback(callback_request(an_order(server_time=moment)))
    assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)


def test_another_apps_message_is_rejected(adapter: ZaloPay) -> None:
    for app in (2554, "2553", None):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(an_order(app_id=app)))


@pytest.mark.parametrize("data", ["", "[]", "null", "x", '{"app_id":2553', '{"app_id":2553,"app_id":2553}'])
def test_signed_data_that_are_no_object_are_malformed(adapter: ZaloPay, data: str) -> None:
    with pytest.raises(Malformed):
        adapter.read_callback(callback_request(data))


@pytest.mark.parametrize(
    "spoil", [{"data": {"app_id": 2553}}, {"data": None}, {"mac": None}, {"mac": 7}, {"mac": "\u0663"}]
)
def test_a_spoilt_message_is_rejected(adapter: ZaloPay, spoil: dict[str, Any]) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(an_order(), **spoil))


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
        result = ask(adapter, code=code, is_processing=True, amount=150_000, zp_trans_id=NUMBER)
        assert (result.outcome, result.bank_transaction_id) == (Outcome.PENDING, None)


@pytest.mark.parametrize("sub", [*map(int, REFUSALS)])
def test_a_refused_question_says_nothing_of_the_payment(adapter: ZaloPay, sub: int) -> None:
    assert refuses(BankUnavailable, lambda: ask(adapter, code=2, sub=sub))
    assert refuses(BankUnavailable, lambda: ask(adapter, code=sub, sub=0))
    assert ask(adapter, code=1, sub=sub, amount=150_000, zp_trans_id=NUMBER).outcome is Outcome.PAID


@pytest.mark.parametrize("sub", [-54, -329, -322, 0, -1234, None])
def test_a_failed_order_is_declined_with_its_reason(adapter: ZaloPay, sub: int | None) -> None:
    result = ask(adapter, code=2, sub=sub)
    assert (result.outcome, result.code, result.amount) == (
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


# The meaning of each code of the protocol's page in the answer to a query
# ------------------------------------------------------------------------------------------------

PAID, DECLINED, PENDING = "PAID", "DECLINED", "PENDING"
REFUSED = "REFUSED"
"""The question was refused: of the order it says nothing."""

#: return_code of OrderQueryResponse in specs/zlp.yaml, and what it says of the order.
RETURN_CODES = {
    1: PAID,
    2: DECLINED,
    3: PENDING,
    -401: REFUSED,
    -402: REFUSED,
    -403: REFUSED,
    -405: REFUSED,
    -429: REFUSED,
    -500: REFUSED,
    406: PENDING,  # an illegal status: whose, the page does not say
}
#: sub_return_code of OrderQueryResponse, OrderCreateResponse and RefundQueryResponse there, below a return_code of 2.
SUB_RETURN_CODES = {
    -32: REFUSED,
    -33: REFUSED,
    -34: REFUSED,
    -35: REFUSED,
    -43: REFUSED,
    -68: REFUSED,
    -88: REFUSED,
    -101: DECLINED,
    -135: REFUSED,
    -301: REFUSED,
    -322: DECLINED,
    -329: DECLINED,
    -401: REFUSED,
    -402: REFUSED,
    -500: REFUSED,
}
#: Not on the page: seen in answers.
SEEN = {-54: DECLINED, -999: REFUSED}


def meant(adapter: CanQuery, code: int, sub: int) -> str:
    with Failing((("POST", QUERY),), answered(code, sub, amount=150_000, zp_trans_id=NUMBER)):
        try:
            return adapter.query_payment(a_query()).outcome.value
        except BankUnavailable:
            return REFUSED


def test_every_code_of_the_protocols_page_means_what_the_page_says(tmp_path: Path) -> None:
    adapter = load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)})["zalopay"]
    assert isinstance(adapter, CanQuery)
    assert {code: meant(adapter, code, 0) for code in RETURN_CODES} == RETURN_CODES
    subs = SUB_RETURN_CODES | SEEN
    assert {sub: meant(adapter, 2, sub) for sub in subs} == subs


def test_our_words_are_for_the_codes_of_the_page_and_no_others() -> None:
    of_the_page = {*RETURN_CODES, *SUB_RETURN_CODES, *SEEN} - {406}
    assert set(CODES) == {str(code) for code in of_the_page}
    assert all(word.strip() for word in CODES.values())


# The meaning of each code in an answer about a refund
# ------------------------------------------------------------------------------------------------

REFUNDS, REFUND_ASKS = ((("POST", address),) for address in (REFUND, QUERY_REFUND))


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


# ZaloPay's adapter and its simulator over real HTTP: each verifies what the other signs.
# ------------------------------------------------------------------------------------------------

HUB = "http://127.0.0.1:9"


def begun(**changes: object) -> PaymentRequest:
    """A payment that begins now: ZaloPay has a clock of its own."""
    now = datetime.now(UTC)
    return a_request(**{"expires_at": now + timedelta(minutes=30), **changes})


@dataclass
class Circle:
    """Both sides."""

    adapter: ZaloPay
    simulator: ZaloPaySimulator
    book: Book
    section: dict[str, str]

    def opened(self) -> Payment:
        """The payment that the adapter opened."""
        self.adapter.open_payment(begun())
        payment = self.book.find(ATTEMPT)
        assert payment is not None
        return payment

    def confirmation_of(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the callback about it."""
        (callback,) = self.simulator.callbacks(payment)
        assert callback.path == "/callbacks/zalopay"
        return self.adapter.read_callback(
            CallbackRequest(callback.method, callback.path, callback.query, {}, callback.body, NOON)
        )

    def other(self, **changes: str) -> ZaloPay:
        """An adapter with other settings."""
        adapter = load_adapters(["zalopay"], {"zalopay": self.section | changes}, HUB)["zalopay"]
        assert isinstance(adapter, ZaloPay)
        return adapter


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve(HUB, simulators=[ZaloPaySimulator], statements=tmp_path) as server:
        section = settings_of([ZaloPaySimulator], server.url, tmp_path)["zalopay"]
        adapter = load_adapters(["zalopay"], {"zalopay": section}, HUB)["zalopay"]
        simulator = server.banks["zalopay"]
        assert isinstance(simulator, ZaloPaySimulator)
        assert isinstance(adapter, ZaloPay)
        yield Circle(adapter, simulator, simulator.book, section)


@pytest.mark.parametrize("changes", [{"REQUEST_SECRET": "another-key1-of-zalopay"}, {"APP_ID": "2554"}])
def test_a_stranger_opens_nothing_and_hears_nothing(circle: Circle, changes: dict[str, str]) -> None:
    stranger = circle.other(**changes)
    with pytest.raises(BankUnavailable, match="-402"):
        stranger.open_payment(begun())
    assert circle.book.payments() == []
    circle.opened()
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())


def test_an_attempt_is_opened_once(circle: Circle) -> None:
    payment = circle.opened()
    for again in (begun(), begun(amount=dong(1_000_000))):
        with pytest.raises(BankUnavailable, match="-68"):
            circle.adapter.open_payment(again)
    assert circle.book.payments() == [payment]
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING


def test_an_attempt_may_be_opened_long_after_it_began(circle: Circle) -> None:
    """ZaloPay wants a time near its own: that of sending. The day in the name stays that of the beginning."""
    began = datetime.now(UTC) - timedelta(days=2)
    circle.adapter.open_payment(a_request(started_at=began, expires_at=began + timedelta(days=3)))
    (payment,) = circle.book.payments()
    assert 86_390 <= payment.opened["expire_duration_seconds"] <= 86_400, "never longer than the order"
    assert payment.opened["day"] == business_day(began).strftime("%y%m%d")


def test_callback_return_and_answer_say_the_same(circle: Circle) -> None:
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    circle.book.settle(payment, "PAID", notify=False)
    confirmation, asked = circle.confirmation_of(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    returned = circle.adapter.read_return(back[2].encode())
    assert confirmation.outcome is asked.outcome is returned.outcome is Outcome.PAID
    assert (confirmation.amount, confirmation.bank_transaction_id) == (
        asked.amount,
        asked.bank_transaction_id,
    )
    assert (confirmation.amount, confirmation.reference, confirmation.key) == (AMOUNT, ATTEMPT, 0)
    assert (returned.amount, returned.reference) == (AMOUNT, ATTEMPT)


def test_nobody_calls_for_a_declined_payment(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "DECLINED", notify=False)
    assert circle.simulator.callbacks(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.DECLINED
    back = (circle.simulator.return_url(payment) or "").partition("?")[2]
    assert circle.adapter.read_return(back.encode()).outcome is Outcome.DECLINED


def test_an_answer_about_another_amount_is_not_believed(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", amount=149_000, notify=False)
    assert circle.confirmation_of(payment).amount == dong(149_000)
    with pytest.raises(BankUnavailable):
        circle.adapter.query_payment(a_query())


def test_the_simulator_hears_what_the_adapter_answers(circle: Circle) -> None:
    message = CallbackRequest("POST", "/callbacks/zalopay", b"", {}, b"{}", NOON)
    for answer in Answer:
        reply = circle.adapter.acknowledge(answer, message)
        accepted = circle.simulator.accepts(WireReply(reply.status, reply.body))
        assert accepted is (answer is not Answer.NOT_RECORDED)
    refused = circle.adapter.refuse(message)
    assert refused is not None
    assert circle.simulator.accepts(WireReply(refused.status, refused.body))
    assert not circle.simulator.accepts(WireReply(503, b""))
    with pytest.raises(CallbackRejected):
        circle.adapter.read_callback(message)


@pytest.mark.parametrize("fee", [{}, {"REFUND_FEE": "1000"}])
def test_money_is_given_back_once_and_never_more_than_was_paid(circle: Circle, fee: dict[str, str]) -> None:
    adapter, payment = circle.other(**fee), circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    part = a_refund(bank_transaction_id=payment.transaction_id, amount=dong(100_000))
    assert adapter.query_refund(a_refund_query()) == RefundAnswer(RefundOutcome.PENDING, "2/-13")
    first, again = (adapter.refund_payment(part) for _ in range(2))
    assert first == again == adapter.query_refund(a_refund_query())
    assert (first.outcome, len(payment.refunds)) == (RefundOutcome.PENDING, 1)
    assert adapter.refund_payment(replace(part, number=816)).outcome is RefundOutcome.FAILED
    for state, outcome in (("SUCCEEDED", RefundOutcome.SUCCEEDED), ("FAILED", RefundOutcome.FAILED)):
        payment.refunds[0].state = state
        assert adapter.query_refund(a_refund_query()).outcome is outcome
    stranger = replace(part, number=817, bank_transaction_id="261122000000001")
    assert adapter.refund_payment(stranger) == RefundAnswer(RefundOutcome.FAILED, "2/-401")


def test_the_dropped_file_is_read(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    assert payment.paid_at is not None
    day = business_day(payment.paid_at)
    folder = Path(circle.section["STATEMENTS"])
    (folder / f"{day}.csv").write_text(circle.simulator.statement(day, [payment]) or "", "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )


# ZaloPay's published and observed vectors, byte by byte through the adapter's own verbs.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/zalopay/signatures.json").read_text("utf-8")
)
CALLBACKS = [vector for vector in VECTORS if vector["kind"] == "callback-mac"]
#: Which of our two keys a vector's secret is.
KEY_OF = {"create-mac": "REQUEST_SECRET", "query-mac": "REQUEST_SECRET", "refund-mac": "REQUEST_SECRET"}
KEY_OF |= {"query-refund-mac": "REQUEST_SECRET", "callback-mac-wrong-key": "REQUEST_SECRET"}


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [vector for vector in VECTORS if vector["kind"] == kind]
    return found


def bank_of(vector: dict[str, Any], folder: Path, **settings: str) -> Any:
    """The adapter with the app and the key of a vector; the other key is another one."""
    keys = {"SECRET": "the-other-key-of-zalopay", "REQUEST_SECRET": "the-other-key-of-zalopay"}
    keys[KEY_OF.get(vector["kind"], "SECRET")] = vector["secret"]
    return load_adapters(["zalopay"], {"zalopay": a_section(folder) | keys | settings})["zalopay"]


def callback(vector: dict[str, Any], **changes: Any) -> CallbackRequest:
    body = {**vector["inputs"], "mac": vector["expected"]} | changes
    return CallbackRequest("POST", "/callbacks/zalopay", b"", {}, json.dumps(body).encode(), NOON)


def milliseconds(count: int) -> datetime:
    return datetime.fromtimestamp(count // 1000, UTC) + timedelta(milliseconds=count % 1000)


def sent(verb: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What ``ask`` sends to ZaloPay, which does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{URL}/v2/{verb}", status=500)
        with pytest.raises(BankUnavailable):
            ask()
        assert wire.calls[0].request.headers["Content-Type"] == "application/json"
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
    return fields


def assert_as_published(fields: dict[str, Any], vector: dict[str, Any]) -> None:
    """Every field of the vector was sent as it stands there, numbers as numbers; no key was."""
    assert {name: fields[name] for name in vector["inputs"]} == vector["inputs"]
    assert fields["mac"] == vector["expected"]
    assert vector["secret"] not in json.dumps(fields)


@pytest.mark.parametrize("vector", CALLBACKS)
def test_an_observed_callback_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    data = json.loads(vector["inputs"]["data"])
    confirmation = bank_of(vector, tmp_path).read_callback(callback(vector))
    assert (confirmation.outcome, confirmation.amount, confirmation.key) == (
        Outcome.PAID,
        dong(data["amount"]),
        0,
    )
    assert confirmation.bank_transaction_id == str(data["zp_trans_id"])
    assert f"{data['app_trans_id'][:6]}_{confirmation.reference}" == data["app_trans_id"]
    assert confirmation.paid_at == milliseconds(data["server_time"])


@pytest.mark.parametrize("vector", CALLBACKS)
def test_data_that_are_written_anew_are_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    data = vector["inputs"]["data"]
    adapter = bank_of(vector, tmp_path)
    for written in (
        json.dumps(json.loads(data)),
        json.dumps(json.loads(data), sort_keys=True),
        data + " ",
        data.replace('"amount":', '"amount":1'),
    ):
        assert written != data
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback(vector, data=written))


@pytest.mark.parametrize("vector", CALLBACKS)
def test_an_observed_callback_under_another_key_is_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path, SECRET="another-key2-of-zalopay").read_callback(callback(vector))


def test_the_downgrade_vector_is_refused_with_a_wrong_mac(tmp_path: Path) -> None:
    """A callback under key1, with which we sign what we ask."""
    vector = of_kind("callback-mac-wrong-key")
    adapter, message = bank_of(vector, tmp_path), callback(vector)
    with pytest.raises(CallbackRejected):
        adapter.read_callback(message)
    assert json.loads(adapter.refuse(message).body)["return_code"] == -1
    under_key2 = bank_of(vector, tmp_path, SECRET=vector["secret"])  # only the key was wrong
    assert under_key2.read_callback(message).reference == "PM-8f3a2c1d"


def test_an_order_has_the_published_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("create-mac")
    fields, moment = vector["inputs"], milliseconds(vector["inputs"]["app_time"])
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: moment)
    request = a_request(
        attempt_reference=fields["app_trans_id"].partition("_")[2],
        amount=dong(fields["amount"]),
        started_at=moment - timedelta(minutes=3),
        expires_at=moment + timedelta(minutes=30),
        return_url="",
    )
    adapter = bank_of(vector, tmp_path, APP_USER=fields["app_user"])
    assert_as_published(sent("create", lambda: adapter.open_payment(request)), vector)


def test_a_question_has_the_published_mac(tmp_path: Path) -> None:
    vector = of_kind("query-mac")
    reference = vector["inputs"]["app_trans_id"].partition("_")[2]
    asked = a_query(attempt_reference=reference, started_at=datetime(2026, 10, 10, 8, 32, tzinfo=UTC))
    fields = sent("query", lambda: bank_of(vector, tmp_path).query_payment(asked))
    assert_as_published(fields, vector)
    assert set(fields) == {"app_id", "app_trans_id", "mac"}


def test_a_refund_has_the_documented_mac(tmp_path: Path) -> None:
    vector = of_kind("refund-mac")
    fields = vector["inputs"]
    request = a_refund(
        number=1,
        bank_transaction_id=fields["zp_trans_id"],
        amount=dong(fields["amount"]),
        description=fields["description"],
        queried_at=milliseconds(fields["timestamp"]),
    )
    asked = sent("refund", lambda: bank_of(vector, tmp_path).refund_payment(request))
    assert_as_published(asked, vector)
    assert "refund_fee_amount" not in asked
    # Where a fee is kept back it is sent and signed behind the amount.
    charged = bank_of(vector, tmp_path, REFUND_FEE="1000")
    asked = sent("refund", lambda: charged.refund_payment(request))
    parts = vector["string_to_sign"].split("|")
    assert asked["refund_fee_amount"] == 1000
    assert asked["mac"] == mac(vector["secret"], *parts[:3], 1000, *parts[3:]) != vector["expected"]


def test_a_question_about_a_refund_has_the_documented_mac(tmp_path: Path) -> None:
    vector = of_kind("query-refund-mac")
    queried_at = milliseconds(vector["inputs"]["timestamp"])
    query = a_refund_query(number=1, submitted_at=queried_at - timedelta(minutes=1), queried_at=queried_at)
    assert_as_published(sent("query_refund", lambda: bank_of(vector, tmp_path).query_refund(query)), vector)


def test_a_return_as_documented_is_believed(tmp_path: Path) -> None:
    vector = of_kind("redirect-checksum")
    query = urlencode({**vector["inputs"], "checksum": vector["expected"]}).encode()
    confirmation = bank_of(vector, tmp_path).read_return(query)
    assert (confirmation.outcome, confirmation.reference, confirmation.amount) == (
        Outcome.PAID,
        "HUB000123",
        dong(150_000),
    )
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_return(query.replace(b"status=1", b"status=2"))


# What is sent, beside the mac ----------------------------------------------------------------------


def test_zalopay_is_told_where_to_call_back_and_where_to_send_the_payer(adapter: ZaloPay) -> None:
    asked = sent("create", lambda: adapter.open_payment(a_request(bank_choice="zalopayapp")))
    assert asked["callback_url"] == "https://hub.test/callbacks/zalopay"
    assert json.loads(asked["embed_data"]) == {"redirecturl": "https://hub.test/checkout/abc"}
    assert (asked["item"], asked["bank_code"]) == ("[]", "zalopayapp")
    assert (type(asked["app_id"]), type(asked["amount"]), type(asked["app_time"])) == (int, int, int)
    assert milliseconds(asked["app_time"]) == NOON


@pytest.mark.parametrize(
    ("lasts", "seconds"),
    [
        (timedelta(seconds=300), 300),
        (timedelta(minutes=30), 1800),
        (timedelta(days=30), 2_592_000),
        (timedelta(days=90), 2_592_000),
    ],
)
def test_an_order_lasts_as_long_as_zalopay_can_carry(
    adapter: ZaloPay, lasts: timedelta, seconds: int
) -> None:
    request = a_request(expires_at=NOON + lasts)
    assert sent("create", lambda: adapter.open_payment(request))["expire_duration_seconds"] == seconds


def test_the_day_is_that_of_vietnam_on_which_the_attempt_began(adapter: ZaloPay) -> None:
    for hour, day in ((16, "261122"), (17, "261123")):
        began = NOON.replace(hour=hour)
        request = a_request(started_at=began, expires_at=began + timedelta(minutes=30))
        opened = sent("create", lambda it=request: adapter.open_payment(it))["app_trans_id"]  # type: ignore[misc]
        asked = sent("query", lambda at=began: adapter.query_payment(a_query(started_at=at)))  # type: ignore[misc]
        assert opened == asked["app_trans_id"] == day + NAMED[6:]


def test_a_refund_has_one_name_for_request_and_question(adapter: ZaloPay) -> None:
    wanted = a_refund(bank_transaction_id=str(NUMBER))
    asked = sent("refund", lambda: adapter.refund_payment(wanted))
    question = a_refund_query(submitted_at=wanted.queried_at, queried_at=NOON + timedelta(days=3))
    assert asked["m_refund_id"] == "261122_2553_000000815"
    assert sent("query_refund", lambda: adapter.query_refund(question))["m_refund_id"] == asked["m_refund_id"]


@pytest.mark.parametrize(("late", "seconds"), [(0, 1800), (61, 1739), (1500, 300), (-90, 1800)])
def test_an_order_asked_for_once_more_does_not_last_longer(
    adapter: ZaloPay, monkeypatch: pytest.MonkeyPatch, late: int, seconds: int
) -> None:
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON + timedelta(seconds=late))
    assert sent("create", lambda: adapter.open_payment(a_request()))["expire_duration_seconds"] == seconds


def test_an_order_asked_for_once_more_too_late_is_not_sent(
    adapter: ZaloPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON + timedelta(seconds=1501))
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request())


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the wire, as in the requests."""
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON)


@pytest.fixture
def adapter(tmp_path: Path, noon: None) -> Any:
    return load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)}, "https://hub.test")["zalopay"]
