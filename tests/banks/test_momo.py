"""MoMo v2: the contract, and every resultCode, the vectors and the simulator."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
import requests
import responses

from bank_adapters import load_adapters
from bank_adapters.momo import OUTCOMES, RESULTS, Momo, Result
from bank_adapters.simulators.momo import ACCESS_KEY, PARTNER, SECRET, MomoSimulator, signature
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply, business_day
from bank_adapters.toolkit.emv_qr import read_qr, write_vietqr
from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import (
    Answer,
    CallbackRequest,
    Confirmation,
    Outcome,
    RefundAnswer,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import (
    CallbackContract,
    CancelContract,
    CaptureContract,
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
    NOON,
    PUBLIC_URL,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.examples import REFUND as REFUND_REFERENCE
from tests.banks.faults import Failing, refuses

# Messages
# ------------------------------------------------------------------------------------------------

URL = "https://momo.test"
CREATE, QUERY, REFUND, CONFIRM = (
    f"{URL}/v2/gateway/api/{verb}" for verb in ("create", "query", "refund", "confirm")
)
NUMBER, REFUND_NUMBER = 4088878653, 4088878699
SIMULATOR = MomoSimulator(URL, PUBLIC_URL)
OPENED = {
    "ipnUrl": SIMULATOR.callback_url,
    "requestId": f"{ATTEMPT}.create",
    "orderInfo": "Le phi",
    "extraData": "",
}
PAID = Payment(ATTEMPT, 150_000, OPENED, transaction_id=str(NUMBER), paid_at=NOON)
PAGE = "https://test-payment.momo.vn/v2/gateway/pay?t=TU9NTw&s=7a3f"
DEEPLINK = "momo://app?action=payWithApp&isScanQR=false&sid=TU9NTw&v=3.0"

STATEMENT = (
    "MA_GIAO_DICH,MA_DON_HANG,TEN_KHACH_HANG,SO_DIEN_THOAI,SO_TIEN,NGAY_GIAO_DICH,TRANG_THAI\n"
    f"{NUMBER},{ATTEMPT},,,150000,22/11/2026 12:00:00,0\n"
    "4088878654,K0-1,,,70000,22/11/2026 12:01:00,Thất bại\n"
    "4088878655,typed by hand,,,5000,22/11/2026 23:59:59,Thành công\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a partner whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "PARTNER_CODE": PARTNER,
        "ACCESS_KEY": ACCESS_KEY,
        "SECRET": SECRET,
        "PUBLIC_URL": "https://hub.test",
        "STATEMENTS": str(folder),
    }


def a_notice(**changes: Any) -> dict[str, Any]:
    """The fields of a payment of 150,000 dong made at noon, not signed yet."""
    fields: dict[str, Any] = json.loads(SIMULATOR.callback(PAID, at=NOON).body)
    del fields["signature"]
    return fields | changes


def signed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with a signature over all of them."""
    return {**fields, "signature": signature(fields, " ".join(fields))}


def callback_request(fields: Mapping[str, Any]) -> CallbackRequest:
    """The notice with these fields."""
    body = json.dumps(fields, ensure_ascii=False).encode()
    return CallbackRequest("POST", "/callbacks/momo", b"", {}, body, NOON)


def answering(code: int, *, status: int = 200, **more: Any) -> Callable[..., tuple[int, dict[str, str], str]]:
    """MoMo's answer to whatever is asked: it repeats partner, order and request."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked = json.loads(request.body or b"{}")
        fields = {name: asked[name] for name in ("partnerCode", "orderId", "requestId")}
        fields |= {"resultCode": code, "message": "x", "responseTime": 1_795_323_600_000}
        return status, {}, json.dumps({name: it for name, it in (fields | more).items() if it is not None})

    return answer


def opened(**more: Any) -> Callable[..., tuple[int, dict[str, str], str]]:
    """The good answer to an opening."""
    plain: dict[str, Any] = {"amount": 150_000, "payUrl": PAGE, "deeplink": DEEPLINK, "qrCodeUrl": DEEPLINK}
    return answering(0, **plain | more)


def listing(code: int, **changes: Any) -> Any:
    """An answer about the payment that lists one refund with ``code``."""
    entry = {"orderId": REFUND_REFERENCE, "amount": 150_000, "resultCode": code, "transId": REFUND_NUMBER}
    other = {"orderId": "RF-another", "amount": 1000, "resultCode": 1080, "transId": 1}
    return answering(0, amount=150_000, transId=NUMBER, refundTrans=[other, entry | changes])


# The contract
# ------------------------------------------------------------------------------------------------

CODES: dict[Any, int] = {Outcome.PAID: 0, Outcome.DECLINED: 1006, Outcome.PENDING: 1000}
REFUND_CODES: dict[Any, int] = {
    RefundOutcome.SUCCEEDED: 0,
    RefundOutcome.FAILED: 1081,
    RefundOutcome.PENDING: 7002,
}
UNHEARD_OF = 7777


class TestMomo(
    CallbackContract,
    ReturnContract,
    QueryContract,
    CancelContract,
    CaptureContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
):
    bank = "momo"
    required = frozenset(
        f"BANK_MOMO_{name}"
        for name in ("URL", "PARTNER_CODE", "ACCESS_KEY", "SECRET", "STATEMENTS", "PUBLIC_URL")
    )
    opens_at = (("POST", CREATE),)
    asks_at = refund_asks_at = (("POST", QUERY),)
    cancels_at = captures_at = (("POST", CONFIRM),)
    refunds_at = (("POST", REFUND),)
    signs_answers = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> Any:
        return opened()

    def unbelievable_openings(self) -> dict[str, Any]:
        return {
            "another payment": opened(orderId="K0-1"),
            "another partner": opened(partnerCode="OTHER"),
            "another request": opened(requestId="K0-1.create"),
            "no page": opened(payUrl=None),
            "a page elsewhere": opened(payUrl="http://momo.test/pay"),
            "a page that is a program": opened(payUrl="javascript:alert(1)"),
            "no code": opened(resultCode=None),
            "a code as text": opened(resultCode="0"),
            "a broken QR text": opened(qrCodeUrl="00020101021238"),
            "a QR text of another amount": opened(
                qrCodeUrl=write_vietqr(bank_bin="971025", number="PSP1", amount=dong(15_000), purpose="DV1")
            ),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        number = NUMBER if outcome is Outcome.PAID else 0
        fields = a_notice(resultCode=CODES.get(outcome, UNHEARD_OF), transId=number)
        return callback_request(signed(fields | changes))

    def returned(self, outcome: Outcome | str) -> bytes:
        return urlencode(json.loads(self.callback(outcome).body)).encode()

    def query_answer(self, outcome: Outcome | str) -> Any:
        number = NUMBER if outcome is Outcome.PAID else 0
        return answering(CODES.get(outcome, UNHEARD_OF), amount=150_000, transId=number, refundTrans=[])

    def unbelievable_answers(self) -> dict[str, Any]:
        paid = partial(answering, 0, amount=150_000, transId=NUMBER)
        return {
            "another payment": paid(orderId="K0-1"),
            "another partner": paid(partnerCode="OTHER"),
            "an answer to another question": paid(requestId="K0-1.query"),
            "no transaction": paid(transId=0),
            "no amount": paid(amount=None),
            "an amount with a fraction": paid(amount=150000.5),
            "a truth value": paid(amount=True),
        }

    def cancel_answer(self, outcome: Outcome | str) -> Any:
        return answering(0 if outcome is Outcome.DECLINED else UNHEARD_OF, amount=150_000, transId=NUMBER)

    def capture_answer(self, outcome: Outcome | str) -> Any:
        return answering(0 if outcome is Outcome.PAID else UNHEARD_OF, amount=150_000, transId=NUMBER)

    def refund_answer(self, outcome: RefundOutcome | str) -> Any:
        return answering(REFUND_CODES.get(outcome, UNHEARD_OF), amount=150_000, transId=REFUND_NUMBER)

    def unbelievable_refund_answers(self) -> dict[str, Any]:
        return {
            "another refund": answering(0, orderId="RF-another"),
            "an answer to another question": answering(0, requestId="RF-another.refund"),
            "no code": answering(0, resultCode=None),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> Any:
        return listing(REFUND_CODES.get(outcome, UNHEARD_OF))

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def transactions_are_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """MoMo's transaction is a number; the contract's refund names one of letters."""
        numbered = partial(a_refund, bank_transaction_id=str(NUMBER))
        monkeypatch.setattr(refund_contract, "a_refund", numbered)

    # The return -------------------------------------------------------------------------------------

    def test_a_return_is_decoded_as_a_form_before_it_is_verified(self, adapter: Momo) -> None:
        fields = signed(a_notice(orderInfo="Lệ phí 1+1 + 2%"))
        query = "&".join(f"{name}={quote_plus(str(value))}" for name, value in fields.items())
        assert "+" in query
        assert adapter.read_return(query.encode()) == adapter.read_callback(callback_request(fields))
        literal = query.replace("1%2B1", "1+1")  # a plus sent as it is means a space: not what was signed
        with pytest.raises(CallbackRejected):
            adapter.read_return(literal.encode())

    # The notice -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", ["orderInfo", "message", "extraData", "payType", "requestId"])
    @pytest.mark.parametrize(
        "value",
        ["", None, "Lệ phí 1+1 %20 a=b|c", "\"'\\ / & \U0001f600\u2028", "eyJhIjoxfQ==", "&a=", "x" * 4000],
    )
    def test_a_value_is_signed_as_it_is(self, adapter: Momo, name: str, value: str | None) -> None:
        fields = signed(a_notice(**{name: value or ""})) | {name: value}
        if value is None:
            assert (
                adapter.read_callback(callback_request({k: v for k, v in fields.items() if k != name})).amount
                == AMOUNT
            )
        assert adapter.read_callback(callback_request(fields)).amount == AMOUNT
        for changes in ({"amount": 150_001}, {"transId": NUMBER + 1}, {"resultCode": 1006}, {name: "other"}):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(callback_request(fields | changes))

    @pytest.mark.parametrize(
        "more",
        [
            {"amount": "150000", "transId": str(NUMBER), "resultCode": "0"},
            {"partnerUserId": None, "userFee": 0, "promotionInfo": [{"amount": 1.5}], "rate": 0.25},
            {"accessKey": ACCESS_KEY, "storeId": {"a": None}},
        ],
    )
    def test_other_fields_and_numbers_as_text_change_nothing(
        self, adapter: Momo, more: dict[str, Any]
    ) -> None:
        assert adapter.read_callback(callback_request(signed(a_notice()) | more)) == adapter.read_callback(
            self.callback(Outcome.PAID)
        )

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_three_ways(self, adapter: Momo) -> None:
        given = self.opened(adapter)
        assert (given.page_url, given.app_link, given.qr_text) == (PAGE, DEEPLINK, DEEPLINK)

    @pytest.mark.parametrize("code", [code for code in map(int, RESULTS) if code] + [UNHEARD_OF])
    def test_whatever_is_not_success_opens_nothing_and_ends_nothing(self, adapter: Momo, code: int) -> None:
        for status in (200, 400, 422):
            with Failing(self.opens_at, answering(code, status=status, payUrl=PAGE)):
                assert refuses(BankUnavailable, lambda: adapter.open_payment(a_request()))

    def test_a_qr_text_that_is_only_an_address_is_left_out(self, adapter: Momo) -> None:
        with Failing(self.opens_at, opened(qrCodeUrl="https://momo.test/qr/1", deeplink="")):
            given = adapter.open_payment(a_request())
        assert (given.page_url, given.app_link, given.qr_text) == (PAGE, None, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "-K0-1"},
            {"attempt_reference": "K0-1-"},
            {"attempt_reference": "K" * 51},
            {"attempt_reference": "K0/1"},
            {"description": "a&orderId=K0-1"},
            {"description": "a\nb"},
            {"description": ""},
            {"return_url": "momo://app"},
            {"return_url": "https://hub.test/a b"},
            {"amount": dong(999)},
            {"amount": dong(50_000_001)},
        ],
    )
    def test_what_momo_cannot_carry_is_not_sent(self, adapter: Momo, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))


# The meaning of each resultCode
# ------------------------------------------------------------------------------------------------

ASKS, CONFIRMS, REFUNDS_AT = ((("POST", address),) for address in (QUERY, CONFIRM, REFUND))
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
    confirmation = adapter.read_callback(callback_request(signed(a_notice(resultCode=code))))
    expected = Outcome.PAID if code == 0 else Outcome.PENDING
    if code in CODES_OF[Result.FINAL]:
        expected = Outcome.DECLINED
    assert (confirmation.outcome, confirmation.code, confirmation.authorised) == (
        expected,
        str(code),
        code == 9000,
    )


def test_the_pending_codes_are_these_four() -> None:
    assert CODES_OF[Result.WAITING] == [1000, 7000, 7002, 9000]


def test_authorised_and_then_paid_are_two_events(adapter: Momo) -> None:
    held, paid = (
        adapter.read_callback(callback_request(signed(a_notice(resultCode=code)))) for code in (9000, 0)
    )
    assert held.event_id != paid.event_id
    assert (held.outcome, held.bank_transaction_id) == (Outcome.PENDING, paid.bank_transaction_id)


def test_the_access_key_is_ours_and_never_the_messages(adapter: Momo, tmp_path: Path) -> None:
    genuine = signed(a_notice())
    other = built(tmp_path, ACCESS_KEY="AnotherKey")
    for message in (callback_request(genuine), callback_request({**genuine, "accessKey": ACCESS_KEY})):
        with pytest.raises(CallbackRejected):
            other.read_callback(message)
    assert (
        adapter.read_callback(callback_request({**genuine, "accessKey": "AnotherKey"})).outcome
        is Outcome.PAID
    )


def test_another_partners_message_is_rejected(adapter: Momo) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(signed(a_notice(partnerCode="OTHER"))))


def test_a_message_that_can_be_cut_in_two_ways_is_rejected(adapter: Momo) -> None:
    """The words of one field hold the beginning of the next: the same text, signed, says two things."""
    genuine = a_notice(message="ok&orderId=K0-1&orderInfo=x", orderInfo="y")
    recut = a_notice(message="ok", orderId="K0-1", orderInfo=f"x&orderId={ATTEMPT}&orderInfo=y")
    assert signed(genuine)["signature"] == signed(recut)["signature"]
    for fields in (genuine, recut):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(signed(fields)))


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
        adapter.read_callback(callback_request(signed(a_notice(**changes))))


@pytest.mark.parametrize("moment", ["1795323600", "17953236000000", "soon", ""])
def test_a_time_that_is_not_in_milliseconds_is_left_out(adapter: Momo, moment: str) -> None:
    confirmation = adapter.read_callback(callback_request(signed(a_notice(responseTime=moment))))
    assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)


@pytest.mark.parametrize("answer", Answer)
def test_what_is_stored_is_answered_with_nothing(adapter: Momo, answer: Answer) -> None:
    reply = adapter.acknowledge(answer, callback_request(a_notice()))
    assert (reply.status, reply.body) == (503 if answer is Answer.NOT_RECORDED else 204, b"")


def test_it_has_no_words_for_a_message_that_is_not_believed(adapter: Momo) -> None:
    assert adapter.refuse(callback_request(a_notice())) is None


# Asking -------------------------------------------------------------------------------------------


def test_a_refused_question_says_nothing_of_the_payment(adapter: Momo) -> None:
    for code in set(CODES_OF[Result.REQUEST]) - {42}:
        for status in (200, 400):
            with Failing(ASKS, answering(code, status=status)):
                assert refuses(BankUnavailable, lambda: adapter.query_payment(a_query())), code


@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_order_that_momo_does_not_know_is_pending(adapter: Momo, status: int) -> None:
    with Failing(ASKS, answering(42, status=status)):
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.code, confirmation.amount) == (Outcome.PENDING, "42", None)


def test_an_answers_time_is_not_the_payments(adapter: Momo) -> None:
    with Failing(ASKS, answering(0, amount=150_000, transId=NUMBER)):
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)


def test_asked_it_says_that_money_is_held(adapter: Momo) -> None:
    with Failing(ASKS, answering(9000, amount=150_000, transId=NUMBER)):
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.authorised) == (Outcome.PENDING, True)


@pytest.mark.parametrize("verb", ["capture", "cancel"])
@pytest.mark.parametrize("code", [*map(int, RESULTS), UNHEARD_OF])
def test_only_three_codes_end_a_held_payment(adapter: Momo, verb: str, code: int) -> None:
    ask = adapter.capture_payment if verb == "capture" else adapter.cancel_payment
    with Failing(CONFIRMS, answering(code, amount=150_000, transId=NUMBER)):
        if code in CODES_OF[Result.REQUEST]:
            assert refuses(BankUnavailable, lambda: ask(a_query()))
            return
        result = ask(a_query())
    ends: dict[int, Outcome] = {1003: Outcome.DECLINED, 1017: Outcome.DECLINED}
    ends[0] = Outcome.PAID if verb == "capture" else Outcome.DECLINED
    assert result.outcome is ends.get(code, Outcome.PENDING)


# Giving back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*map(int, RESULTS), UNHEARD_OF])
def test_a_refund_ends_by_what_is_final_or_was_never_taken(adapter: Momo, code: int) -> None:
    given_back = partial(adapter.refund_payment, a_refund(bank_transaction_id=str(NUMBER)))
    with Failing(REFUNDS_AT, answering(code, transId=0)):
        if code in (10, 43):
            assert refuses(BankUnavailable, given_back)
            return
        result = given_back()
    failed = {*CODES_OF[Result.FINAL], *CODES_OF[Result.REFUND], *CODES_OF[Result.REQUEST]} - {99, 40, 41}
    expected = RefundOutcome.SUCCEEDED if code == 0 else RefundOutcome.PENDING
    assert result == RefundAnswer(RefundOutcome.FAILED if code in failed else expected, str(code))


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
            result = adapter.query_refund(a_refund_query())
        assert result == RefundAnswer(RefundOutcome.PENDING, "not listed")


def test_a_listed_refund_is_told_with_its_own_transaction(adapter: Momo) -> None:
    with Failing(ASKS, listing(0)):
        result = adapter.query_refund(a_refund_query())
    assert result == RefundAnswer(RefundOutcome.SUCCEEDED, "0", str(REFUND_NUMBER))


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


# Callbacks with a good signature that are refused all the same
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partner", ["OTHER", PARTNER.lower(), f"{PARTNER} ", ""])
def test_another_partners_notice_is_rejected(adapter: TakesCallbacks, partner: str) -> None:
    assert adapter.read_callback(callback_request(signed(a_notice()))).outcome is Outcome.PAID
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(signed(a_notice(partnerCode=partner))))


@pytest.mark.parametrize(
    "cut",
    [
        # All of them sign the same text as a notice whose information is "Le phi&orderType=x".
        {"orderInfo": "Le phi&orderType=x", "orderType": "momo_wallet"},
        {"orderInfo": "Le phi", "orderType": "x&orderType=momo_wallet"},
        {"extraData": "&message=Thành công.&orderId=K0-1"},
        {"message": "x&resultCode=0"},
    ],
)
def test_a_value_that_could_be_read_as_another_field_is_rejected(
    adapter: TakesCallbacks, cut: dict[str, Any]
) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(signed(a_notice(**cut))))


# MoMo's adapter and its simulator over real HTTP: each verifies what the other signs.
# ------------------------------------------------------------------------------------------------

HUB = "http://127.0.0.1:9"


@dataclass
class Circle:
    """Both sides."""

    adapter: Momo
    simulator: MomoSimulator
    book: Book
    section: dict[str, str]

    def opened(self) -> Payment:
        """The payment that the adapter opened."""
        self.adapter.open_payment(a_request())
        payment = self.book.find(ATTEMPT)
        assert payment is not None
        return payment

    def confirmation_of(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the notice about it."""
        (callback,) = self.simulator.callbacks(payment)
        assert callback.path == "/callbacks/momo"
        return self.adapter.read_callback(
            CallbackRequest(callback.method, callback.path, callback.query, {}, callback.body, NOON)
        )

    def other(self, **changes: str) -> Momo:
        """An adapter with other settings."""
        adapter = load_adapters(["momo"], {"momo": self.section | changes}, HUB)["momo"]
        assert isinstance(adapter, Momo)
        return adapter


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve(HUB, simulators=[MomoSimulator], statements=tmp_path) as server:
        section = settings_of([MomoSimulator], server.url, tmp_path)["momo"]
        adapter = load_adapters(["momo"], {"momo": section}, HUB)["momo"]
        simulator = server.banks["momo"]
        assert isinstance(simulator, MomoSimulator)
        assert isinstance(adapter, Momo)
        yield Circle(adapter, simulator, simulator.book, section)


@pytest.mark.parametrize("changes", [{"SECRET": "another-secret-of-momo"}, {"ACCESS_KEY": "Another"}])
def test_a_stranger_opens_nothing_and_hears_nothing(circle: Circle, changes: dict[str, str]) -> None:
    stranger = circle.other(**changes)
    with pytest.raises(BankUnavailable, match="13"):
        stranger.open_payment(a_request())
    assert circle.book.payments() == []
    circle.opened()
    with pytest.raises(BankUnavailable, match="13"):
        stranger.query_payment(a_query())


def test_the_same_attempt_is_opened_once_and_another_under_its_name_never(circle: Circle) -> None:
    first, again = (circle.adapter.open_payment(a_request()) for _ in range(2))
    assert first == again
    with pytest.raises(BankUnavailable, match="40"):
        circle.adapter.open_payment(a_request(amount=dong(1_000_000)))
    assert [one.amount for one in circle.book.payments()] == [AMOUNT.minor]


def test_a_banking_app_can_pay_the_code(circle: Circle) -> None:
    code = read_qr(circle.adapter.open_payment(a_request()).qr_text or "")
    assert (code.amount, code.additional["purpose"], code.bank_bin) == (AMOUNT, ATTEMPT, "971025")


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_notice_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    assert circle.adapter.query_payment(a_query()).code == "42"
    payment = circle.opened()
    assert circle.adapter.query_payment(a_query()).code == "1000"
    circle.book.settle(payment, outcome, notify=False)
    confirmation, asked = circle.confirmation_of(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    returned = circle.adapter.read_return(back[2].encode())
    assert replace(returned, paid_at=None) == replace(confirmation, paid_at=None)
    assert confirmation.outcome is asked.outcome is Outcome[outcome]
    assert (confirmation.amount, confirmation.bank_transaction_id) == (
        asked.amount,
        asked.bank_transaction_id,
    )
    assert (confirmation.amount, confirmation.reference, confirmation.key) == (AMOUNT, ATTEMPT, 0)


def test_a_notice_of_another_amount_is_told_as_it_is(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", amount=149_000, notify=False)
    assert circle.confirmation_of(payment).amount == dong(149_000)


def test_the_simulator_hears_what_the_adapter_answers(circle: Circle) -> None:
    message = CallbackRequest("POST", "/callbacks/momo", b"", {}, b"{}", NOON)
    for answer in Answer:
        reply = circle.adapter.acknowledge(answer, message)
        accepted = circle.simulator.accepts(WireReply(reply.status, reply.body))
        assert accepted is (answer is not Answer.NOT_RECORDED)
    with pytest.raises(CallbackRejected):
        circle.adapter.read_callback(message)


@pytest.mark.parametrize(("verb", "ends"), [("capture", Outcome.PAID), ("cancel", Outcome.DECLINED)])
def test_held_money_is_taken_or_let_go(circle: Circle, verb: str, ends: Outcome) -> None:
    circle.adapter = circle.other(TWO_STEP="yes")
    payment = circle.opened()
    confirm = circle.adapter.capture_payment if verb == "capture" else circle.adapter.cancel_payment
    circle.book.settle(payment, "PAID", notify=False)
    held = circle.confirmation_of(payment)
    assert (held.outcome, held.authorised) == (Outcome.PENDING, True)
    with pytest.raises(BankUnavailable, match="22"):
        circle.adapter.capture_payment(a_query(amount=dong(1000)))
    assert confirm(a_query()).outcome is confirm(a_query()).outcome is ends
    assert circle.confirmation_of(payment).outcome is circle.adapter.query_payment(a_query()).outcome is ends


def test_a_payment_that_is_not_held_cannot_be_cancelled(circle: Circle) -> None:
    payment = circle.opened()
    assert circle.adapter.cancel_payment(a_query()).outcome is Outcome.PENDING
    circle.book.settle(payment, "PAID", notify=False)
    with pytest.raises(BankUnavailable):
        circle.adapter.cancel_payment(a_query())
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PAID


def test_money_is_given_back_once_and_never_more_than_was_paid(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    part = a_refund(bank_transaction_id=payment.transaction_id, amount=dong(100_000))
    assert circle.adapter.query_refund(a_refund_query()).outcome is RefundOutcome.PENDING
    first, again = (circle.adapter.refund_payment(part) for _ in range(2))
    assert first == again == circle.adapter.query_refund(a_refund_query(amount=dong(100_000)))
    assert (first.outcome, len(payment.refunds)) == (RefundOutcome.SUCCEEDED, 1)
    rest = replace(part, refund_reference="RF-2")
    assert circle.adapter.refund_payment(rest) == RefundAnswer(RefundOutcome.FAILED, "1081")
    unpaid = replace(part, refund_reference="RF-3", bank_transaction_id="4088878653")
    assert circle.adapter.refund_payment(unpaid) == RefundAnswer(RefundOutcome.FAILED, "1088")


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
    assert abs(line.booked_at - payment.paid_at) < timedelta(seconds=1)


# MoMo's published and observed vectors, byte by byte through the adapter's own verbs.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/momo/signatures.json").read_text("utf-8")
)
NOTICES = [vector for vector in VECTORS if vector["kind"] == "ipn-or-redirect-signature"]
NUMBERS = ("amount", "transId", "resultCode", "responseTime")


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [vector for vector in VECTORS if vector["kind"] == kind]
    return found


def bank_of(vector: dict[str, Any], folder: Path, **settings: str) -> Any:
    """The adapter with the partner and the secret of a vector."""
    fields = vector["inputs"]
    section = a_section(folder) | {
        "PARTNER_CODE": fields["partnerCode"],
        "ACCESS_KEY": fields["accessKey"],
        "SECRET": vector["secret"],
    }
    return load_adapters(["momo"], {"momo": section | settings})["momo"]


def message(vector: dict[str, Any]) -> dict[str, Any]:
    """What MoMo sent: the access key is not in it, and numbers are JSON numbers."""
    fields = {name: value for name, value in vector["inputs"].items() if name != "accessKey"}
    return fields | {name: int(fields[name]) for name in NUMBERS} | {"signature": vector["expected"]}


def notice(fields: dict[str, Any], *, ascii_only: bool = False) -> CallbackRequest:
    body = json.dumps(fields, ensure_ascii=ascii_only).encode()
    return CallbackRequest("POST", "/callbacks/momo", b"", {}, body, NOON)


def sent(verb: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What ``ask`` sends to MoMo, which does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{URL}/v2/gateway/api/{verb}", status=500)
        with pytest.raises(BankUnavailable):
            ask()
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
    return fields


def named(monkeypatch: pytest.MonkeyPatch, vector: dict[str, Any]) -> None:
    """Let our requestId be the vector's."""
    monkeypatch.setattr("bank_adapters.momo.request_id", lambda *_: vector["inputs"]["requestId"])


def assert_as_published(fields: dict[str, Any], vector: dict[str, Any]) -> None:
    """Every field of the vector was sent as it stands there, and the access key was not."""
    expected = {name: value for name, value in vector["inputs"].items() if name != "accessKey"}
    assert {name: str(fields[name]) for name in expected} == expected
    assert fields["signature"] == vector["expected"]
    assert "accessKey" not in fields


@pytest.mark.parametrize("vector", NOTICES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_observed_notice_is_believed(vector: dict[str, Any], ascii_only: bool, tmp_path: Path) -> None:
    fields = vector["inputs"]
    confirmation = bank_of(vector, tmp_path).read_callback(notice(message(vector), ascii_only=ascii_only))
    assert (confirmation.outcome, confirmation.reference, confirmation.key) == (
        Outcome.PAID,
        fields["orderId"],
        0,
    )
    assert confirmation.amount == dong(int(fields["amount"]))
    assert confirmation.bank_transaction_id == fields["transId"]
    seconds, milliseconds = divmod(int(fields["responseTime"]), 1000)
    assert confirmation.paid_at == datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize("vector", NOTICES)
def test_an_observed_return_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    adapter = bank_of(vector, tmp_path)
    for written in (
        urlencode(message(vector)),
        "&".join(f"{name}={quote_plus(str(it))}" for name, it in message(vector).items()),
    ):
        assert adapter.read_return(written.encode()) == adapter.read_callback(notice(message(vector)))


@pytest.mark.parametrize("vector", NOTICES)
def test_an_observed_notice_under_another_key_is_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    for changes in ({"SECRET": "another-secret-of-momo"}, {"ACCESS_KEY": "klm05TvNBzhg7h7j"}):
        with pytest.raises(CallbackRejected):
            bank_of(vector, tmp_path, **changes).read_callback(notice(message(vector)))


def test_the_string_of_the_wrong_official_sample_is_rejected(tmp_path: Path) -> None:
    """It begins with ``&accessKey=`` and lacks the ``&`` before partnerCode."""
    vector = NOTICES[0]
    wrong = "&" + vector["string_to_sign"].replace("&partnerCode=", "partnerCode=")
    signature = hmac.new(vector["secret"].encode(), wrong.encode(), "sha256").hexdigest()
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(notice(message(vector) | {"signature": signature}))


def test_encoded_values_are_not_what_is_signed(tmp_path: Path) -> None:
    vector = NOTICES[0]
    encoded = "&".join(
        f"{name}={quote_plus(it)}"
        for name, it in (pair.split("=") for pair in vector["string_to_sign"].split("&"))
    )
    signature = hmac.new(vector["secret"].encode(), encoded.encode(), "sha256").hexdigest()
    assert signature != vector["expected"]
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(notice(message(vector) | {"signature": signature}))


def test_an_opening_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("create-signature")
    fields = vector["inputs"]
    named(monkeypatch, vector)
    request = a_request(
        attempt_reference=fields["orderId"],
        amount=dong(int(fields["amount"])),
        description=fields["orderInfo"],
        return_url=fields["redirectUrl"],
    )
    adapter = bank_of(vector, tmp_path, IPN_URL=fields["ipnUrl"])
    asked = sent("create", lambda: adapter.open_payment(request))
    assert_as_published(asked, vector)
    assert asked["autoCapture"] is True
    assert type(asked["amount"]) is int


def test_a_question_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("query-signature")
    named(monkeypatch, vector)
    query = a_query(attempt_reference=vector["inputs"]["orderId"])
    assert_as_published(sent("query", lambda: bank_of(vector, tmp_path).query_payment(query)), vector)
    about_a_refund = a_refund_query(attempt_reference=vector["inputs"]["orderId"])
    assert_as_published(sent("query", lambda: bank_of(vector, tmp_path).query_refund(about_a_refund)), vector)


def test_a_refund_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("refund-signature")
    fields = vector["inputs"]
    named(monkeypatch, vector)
    request = a_refund(
        refund_reference=fields["orderId"],
        bank_transaction_id=fields["transId"],
        amount=dong(int(fields["amount"])),
        description=fields["description"],
    )
    asked = sent("refund", lambda: bank_of(vector, tmp_path).refund_payment(request))
    assert_as_published(asked, vector)
    assert (type(asked["amount"]), type(asked["transId"])) == (int, int)


def test_a_capture_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("confirm-signature")
    named(monkeypatch, vector)
    query = a_query(attempt_reference=vector["inputs"]["orderId"])
    adapter = bank_of(vector, tmp_path)
    assert_as_published(sent("confirm", lambda: adapter.capture_payment(query)), vector)
    cancelled = sent("confirm", lambda: adapter.cancel_payment(query))
    assert cancelled["requestType"] == "cancel"
    text = vector["string_to_sign"].replace("requestType=capture", "requestType=cancel")
    assert cancelled["signature"] == hmac.new(vector["secret"].encode(), text.encode(), "sha256").hexdigest()


# What is sent, beside the signature --------------------------------------------------------------------


def test_momo_is_told_where_to_call_back_and_where_to_send_the_payer(adapter: Momo) -> None:
    asked = sent("create", lambda: adapter.open_payment(a_request(language="en")))
    assert asked["ipnUrl"] == "https://hub.test/callbacks/momo"
    assert "?" not in asked["ipnUrl"]
    assert asked["redirectUrl"] == "https://hub.test/checkout/abc"
    assert (asked["lang"], asked["extraData"], asked["requestType"]) == ("en", "", "captureWallet")


def test_the_same_attempt_is_the_same_request_and_another_one_is_not(adapter: Momo) -> None:
    first, again = (sent("create", lambda: adapter.open_payment(a_request())) for _ in range(2))
    assert first == again
    other = sent("create", lambda: adapter.open_payment(a_request(attempt_reference="K0-2")))
    assert other["requestId"] != first["requestId"]


def test_the_same_refund_is_the_same_request_under_an_order_of_its_own(adapter: Momo) -> None:
    wanted = a_refund(bank_transaction_id=str(NUMBER))
    first, again = (sent("refund", lambda: adapter.refund_payment(wanted)) for _ in range(2))
    later = sent(
        "refund", lambda: adapter.refund_payment(replace(wanted, queried_at=NOON + timedelta(days=2)))
    )
    assert first == again == later
    assert (first["orderId"], first["transId"]) == (REFUND_REFERENCE, NUMBER)
    assert first["orderId"] != ATTEMPT


def test_every_question_and_every_act_has_a_request_of_its_own(adapter: Momo) -> None:
    asked = [sent("query", lambda: adapter.query_payment(a_query())) for _ in range(5)]
    asked += [sent("confirm", lambda: adapter.capture_payment(a_query()))]
    asked += [sent("confirm", lambda: adapter.cancel_payment(a_query()))]
    asked += [sent("create", lambda: adapter.open_payment(a_request()))]
    assert len({one["requestId"] for one in asked}) == len(asked)
    assert all(len(one["requestId"]) <= 50 for one in asked)


def test_money_is_held_when_the_partner_takes_two_steps(tmp_path: Path) -> None:
    adapter = load_adapters(["momo"], {"momo": a_section(tmp_path) | {"TWO_STEP": "yes"}})["momo"]
    assert sent("create", lambda: adapter.open_payment(a_request()))["autoCapture"] is False


def test_an_answer_given_again_has_the_same_instructions(adapter: Momo) -> None:
    """MoMo answers 201 where it had answered before."""
    given = []
    for status in (200, 201):
        with Failing((("POST", f"{URL}/v2/gateway/api/create"),), opened(status=status)):
            given.append(adapter.open_payment(a_request()))
    assert given[0] == given[1]
