"""ShopeePay: the contract, the statuses, and the scale of amounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.shopeepay import CHECK, CREATE, REFUND, ShopeePay
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.shopeepay import (
    CLIENT,
    MERCHANT,
    SECRET,
    STORE,
    ShopeePaySimulator,
    signature,
    transaction,
)
from bank_adapters.simulators.simulator import Payment
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
)
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    NOON,
    TRANSACTION,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.examples import REFUND as REFUND_REFERENCE
from tests.banks.texts import AWKWARD

# Messages
# ------------------------------------------------------------------------------------------------

URL = "https://shopee.test"
PAID = Payment(ATTEMPT, 150_000, outcome="PAID", transaction_id=TRANSACTION, paid_at=NOON)
PAGE = "https://pay.shopee.test/checkout?ref=1&token=" + "t0" * 400
STATUS = {Outcome.PENDING: 2, Outcome.PAID: 3, Outcome.DECLINED: 4}
REFUND_STATUS = {RefundOutcome.PENDING: 2, RefundOutcome.SUCCEEDED: 3, RefundOutcome.FAILED: 4}
UNHEARD_OF = 5


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a shop whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "CLIENT_ID": CLIENT,
        "SECRET": SECRET,
        "MERCHANT_EXT_ID": MERCHANT,
        "STORE_EXT_ID": STORE,
        "AMOUNT_SCALE": "100",
        "STATEMENTS": str(folder),
    }


def built(section: dict[str, str]) -> Any:
    """The adapter from a section of settings."""
    return load_adapters(["shopeepay"], {"shopeepay": section})["shopeepay"]


def a_transaction(**changes: Any) -> dict[str, Any]:
    """A payment of 150,000 dong, a hundredfold; a field that is None is left out."""
    fields = transaction(ATTEMPT, 13, PAID) | changes
    return {name: value for name, value in fields.items() if value is not None}


def callback_request(fields: object, secret: str = SECRET) -> CallbackRequest:
    body = json.dumps(fields).encode()
    headers = {"x-airpay-req-h": signature(body, secret), "x-airpay-clientid": CLIENT}
    return CallbackRequest("POST", "/callbacks/shopeepay", b"", headers, body, NOON)


def answered(fields: dict[str, Any], secret: str | None = None) -> dict[str, Any]:
    """An answer of errcode 0, signed where a secret is given."""
    body = json.dumps({"errcode": 0, "debug_msg": "success", **fields})
    return {"body": body, "headers": {"X-Airpay-Req-H": signature(body.encode(), secret)} if secret else {}}


# The contract
# ------------------------------------------------------------------------------------------------


class TestShopeePay(
    CallbackContract, QueryContract, RefundContract, RefundQueryContract, StatementContract, BankContract
):
    bank = "shopeepay"
    required = frozenset(
        f"BANK_SHOPEEPAY_{name}"
        for name in [
            "URL",
            "CLIENT_ID",
            "SECRET",
            "MERCHANT_EXT_ID",
            "STORE_EXT_ID",
            "AMOUNT_SCALE",
            "STATEMENTS",
        ]
    )
    signed_headers = ("x-airpay-req-h",)
    tells_paid_at = False
    opens_at = (("POST", URL + CREATE),)
    asks_at = refund_asks_at = (("POST", URL + CHECK),)
    refunds_at = (("POST", URL + REFUND),)
    refund_outcomes = frozenset({RefundOutcome.PENDING})

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered({"redirect_url_http": PAGE})

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "wrong signature": answered({"redirect_url_http": PAGE}, "another secret"),
            "refused": answered({"errcode": 11, "redirect_url_http": PAGE}),
            "errcode as text": answered({"errcode": "0", "redirect_url_http": PAGE}),
            "another request's": answered({"request_id": "another", "redirect_url_http": PAGE}),
            "a page of another scheme": answered({"redirect_url_http": "shopee://pay"}),
            "a page with a name before its host": answered(
                {"redirect_url_http": "https://shopee.vn@evil.test/"}
            ),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        status = STATUS.get(outcome, UNHEARD_OF) if isinstance(outcome, Outcome) else UNHEARD_OF
        return callback_request(a_transaction(status=status, **changes))

    def is_sent_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["errcode"] != 0

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = STATUS[outcome] if isinstance(outcome, Outcome) else UNHEARD_OF
        return answered({"transaction": a_transaction(status=status)}, SECRET)

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered({"transaction": a_transaction(reference_id="DV0-1")}, SECRET),
            "wrong signature": answered({"transaction": a_transaction()}, "another secret"),
            "a refund": answered({"transaction": a_transaction(transaction_type=15)}),
            "refused": answered({"errcode": 7, "transaction": a_transaction()}),
            "paid without a number": answered({"transaction": a_transaction(transaction_sn="")}),
            "paid, not whole dong": answered({"transaction": a_transaction(amount=15_000_050)}),
            "two references": answered({"transaction": a_transaction(payment_reference_id="DV0-1")}),
            "no transaction": answered({}),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return answered({"errcode": 0 if outcome == RefundOutcome.PENDING else 99, "refund_sn": "RF1"})

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": answered({"refund_reference_id": "RF0-1"}),
            "wrong signature": answered({"refund_sn": "RF1"}, "another secret"),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status = REFUND_STATUS[outcome] if isinstance(outcome, RefundOutcome) else UNHEARD_OF
        result = a_transaction(reference_id=REFUND_REFERENCE, transaction_type=15, status=status)
        return answered({"transaction": result}, SECRET)

    def statement_text(self) -> str:
        return (
            "booked_at,transaction_id,reference,amount,status\n"
            f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,3\n"
            "2026-11-22 12:01:00,FT2,DV0-1,70000,4\n"
            "2026-11-22 23:59:59,FT3,typed by hand,5000,3\n"
        )

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("fields", "outcome"),
        [
            ({"status": 1}, Outcome.PENDING),
            ({"status": 2}, Outcome.PENDING),
            ({"status": 3}, Outcome.PAID),
            ({"status": 6}, Outcome.DECLINED),
            ({"status": 7}, Outcome.DECLINED),
            ({"status": 5}, Outcome.PENDING),
            ({"status": None, "transaction_status": 3}, Outcome.PAID),
            ({"status": None, "payment_status": 1}, Outcome.PAID),
            ({"status": None, "payment_status": 3}, Outcome.PENDING),
            ({"status": 3, "payment_status": 6}, Outcome.PENDING),
            ({"status": 3, "transaction_status": 2}, Outcome.PENDING),
            ({"refund_reference_id": "RF1"}, Outcome.PENDING),
            ({"transaction_type": 15}, Outcome.PENDING),
            ({"transaction_type": 1001}, Outcome.PENDING),
        ],
    )
    def test_paid_is_what_every_status_calls_paid(
        self, adapter: ShopeePay, fields: dict[str, Any], outcome: Outcome
    ) -> None:
        confirmation = adapter.read_callback(callback_request(a_transaction(**fields)))
        assert confirmation.outcome is outcome
        assert (confirmation.amount is None) is (outcome is not Outcome.PAID)

    def test_either_name_of_the_reference_is_read(self, adapter: ShopeePay) -> None:
        confirmation = adapter.read_callback(
            callback_request(a_transaction(reference_id=None, payment_reference_id=ATTEMPT))
        )
        assert confirmation.reference == ATTEMPT

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 15_000_001},
            {"amount": 0},
            {"amount": -15_000_000},
            {"amount": "15000000.0"},
            {"amount": True},
            {"amount": None},
            {"transaction_sn": None},
            {"transaction_sn": "0"},
            {"status": "three"},
            {"status": None},
            {"reference_id": None},
            {"payment_reference_id": "DV0-1"},
        ],
    )
    def test_a_genuine_notice_that_makes_no_sense_is_malformed(
        self, adapter: ShopeePay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(callback_request(a_transaction(**changes)))

    @pytest.mark.parametrize("changes", [{"merchant_ext_id": "OTHER"}, {"store_ext_id": "HUB02"}])
    def test_another_shops_notice_is_rejected(self, adapter: ShopeePay, changes: dict[str, Any]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(a_transaction(**changes)))

    @pytest.mark.parametrize(("answer", "errcode"), [(Answer.RECORDED, 0), (Answer.NOT_RECORDED, -1)])
    def test_it_answers_with_an_errcode(self, adapter: ShopeePay, answer: Answer, errcode: int) -> None:
        assert json.loads(adapter.acknowledge(answer, callback_request({})).body)["errcode"] == errcode


# ShopeePay: the scale of amounts, and what leaves for it.
# ------------------------------------------------------------------------------------------------


class TestAskingShopeePay:
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return built(a_section(tmp_path))

    # The scale --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("scale", ["10", "0", "1000", "100.0", "x"])
    def test_only_the_two_scales_are_known(self, tmp_path: Path, scale: str) -> None:
        with pytest.raises(BankSettingsError, match="AMOUNT_SCALE"):
            built({**a_section(tmp_path), "AMOUNT_SCALE": scale})

    @pytest.mark.parametrize(("scale", "units"), [("1", 150_000), ("100", 15_000_000)])
    def test_every_amount_has_the_stated_scale(self, tmp_path: Path, scale: str, units: int) -> None:
        adapter = built({**a_section(tmp_path), "AMOUNT_SCALE": scale})
        assert adapter.read_callback(callback_request(a_transaction(amount=units))).amount == AMOUNT
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            wire.add("POST", URL + CHECK, **answered({"transaction": a_transaction(amount=units)}))
            wire.add("POST", URL + REFUND, **answered({}))
            adapter.open_payment(a_request())
            assert adapter.query_payment(a_query()).amount == AMOUNT
            adapter.refund_payment(a_refund())
            assert [json.loads(call.request.body or b"")["amount"] for call in wire.calls] == [units] * 3

    # Asking -----------------------------------------------------------------------------------------

    def test_an_order_says_what_is_published(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            assert adapter.open_payment(a_request()).page_url == PAGE
            request = wire.calls[0].request
        sent = json.loads(request.body or b"")
        assert sent == {
            "request_id": ATTEMPT,
            "payment_reference_id": ATTEMPT,
            "merchant_ext_id": "HUB",
            "store_ext_id": "HUB01",
            "amount": 15_000_000,
            "currency": "VND",
            "return_url": "https://hub.test/checkout/abc",
            "platform_type": "pc",
            "validity_period": 1800,
        }
        assert isinstance(request.body, bytes)
        assert request.headers["X-Airpay-Req-H"] == signature(request.body)
        assert request.headers["X-Airpay-ClientId"] == "11000067"

    def test_the_same_order_is_asked_for_in_the_same_bytes(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            adapter.open_payment(a_request())
            adapter.open_payment(a_request())
            first, second = (call.request.body for call in wire.calls)
        assert first == second

    def test_a_deadline_far_away_is_given_as_the_furthest(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            adapter.open_payment(a_request(expires_at=NOON.replace(year=2027)))
            assert json.loads(wire.calls[0].request.body or b"")["validity_period"] == 432_000

    def test_where_answers_must_be_signed_an_unsigned_one_is_none(self, tmp_path: Path) -> None:
        strict = built({**a_section(tmp_path), "SIGNED_ANSWERS": "1"})
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CHECK, **answered({"transaction": a_transaction()}))
            with pytest.raises(BankUnavailable):
                strict.query_payment(a_query())
            wire.replace("POST", URL + CHECK, **answered({"transaction": a_transaction()}, SECRET))
            assert strict.query_payment(a_query()).outcome is Outcome.PAID

    def test_the_same_refund_is_asked_for_in_the_same_bytes(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + REFUND, **answered({}))
            adapter.refund_payment(a_refund())
            adapter.refund_payment(a_refund(queried_at=NOON))
            first, second = (call.request.body for call in wire.calls)
        assert first == second
        assert json.loads(first or b"")["refund_reference_id"] == REFUND_REFERENCE

    def test_a_refund_of_another_amount_is_no_answer(self, adapter: ShopeePay) -> None:
        gone = a_transaction(reference_id=REFUND_REFERENCE, transaction_type=15)
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CHECK, **answered({"transaction": gone}))
            with pytest.raises(BankUnavailable):
                adapter.query_refund(a_refund_query(amount=dong(50_000)))
            sent = json.loads(wire.calls[0].request.body or b"")
        assert (sent["transaction_type"], sent["reference_id"], sent["amount"]) == (
            15,
            REFUND_REFERENCE,
            5_000_000,
        )


# The recorded vector, and a payment with the simulator
# ------------------------------------------------------------------------------------------------

(VECTOR,) = json.loads((Path(__file__).parent / "vectors/shopeepay/signatures.json").read_text("utf-8"))


def bank_of(folder: Path) -> Any:
    """The adapter with the shop and the secret of the vector."""
    section = {
        "URL": URL,
        "CLIENT_ID": CLIENT,
        "SECRET": VECTOR["secret"],
        "MERCHANT_EXT_ID": MERCHANT,
        "STORE_EXT_ID": STORE,
        "AMOUNT_SCALE": "100",
        "CHECK_BY": "payment_reference_id",
        "STATEMENTS": str(folder),
    }
    return load_adapters(["shopeepay"], {"shopeepay": section})["shopeepay"]


def test_a_check_leaves_as_the_vectors_bytes_under_its_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "RQ240501000124")
    with responses.RequestsMock() as wire:
        wire.add("POST", URL + CHECK, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(tmp_path).query_payment(a_query(attempt_reference="HUB240501000123"))
        request = wire.calls[0].request
    assert request.body == VECTOR["string_to_sign"].encode()
    assert request.headers["X-Airpay-Req-H"] == VECTOR["expected"]


def test_a_notice_of_the_vectors_bytes_is_believed_and_says_nothing(tmp_path: Path) -> None:
    body = VECTOR["inputs"]["raw_body"].encode()
    headers = {"x-airpay-req-h": VECTOR["expected"]}
    with pytest.raises(Malformed):
        bank_of(tmp_path).read_callback(CallbackRequest("POST", "/", b"", headers, body, NOON))
    with pytest.raises(CallbackRejected):
        bank_of(tmp_path).read_callback(CallbackRequest("POST", "/", b"", headers, body + b" ", NOON))


def test_both_sides_understand_each_other(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[ShopeePaySimulator], statements=tmp_path) as server:
        section = settings_of([ShopeePaySimulator], server.url, tmp_path)["shopeepay"]
        adapter: Any = load_adapters(["shopeepay"], {"shopeepay": section})["shopeepay"]
        simulator = server.banks["shopeepay"]
        assert adapter.open_payment(a_request()).page_url == f"{server.url}/shopeepay/pay/{ATTEMPT}"
        assert adapter.query_payment(a_query()).outcome is Outcome.PENDING
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        simulator.book.settle(payment, "PAID", notify=False)
        asked = adapter.query_payment(a_query())
        (callback,) = simulator.callbacks(payment)
        accepted = adapter.read_callback(
            CallbackRequest("POST", "/", b"", callback.headers, callback.body, NOON)
        )
        assert (
            (asked.outcome, asked.amount)
            == (accepted.outcome, accepted.amount)
            == (Outcome.PAID, dong(150_000))
        )
        assert asked.bank_transaction_id == accepted.bank_transaction_id == payment.transaction_id
        assert asked.event_id != accepted.event_id
        assert adapter.refund_payment(a_refund()).outcome is RefundOutcome.PENDING
        assert adapter.refund_payment(a_refund()).outcome is RefundOutcome.PENDING
        assert len(payment.refunds) == 1
        payment.refunds[0].state = "SUCCEEDED"
        assert adapter.query_refund(a_refund_query()).outcome is RefundOutcome.SUCCEEDED
        with pytest.raises(BankUnavailable):
            adapter.query_payment(a_query(attempt_reference="DV0-1"))


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"admin_fee": 0.5},
        {"amount": "15000000"},
        {"status": "3", "transaction_type": "13"},
        {"transaction_sn": f"{TRANSACTION}.1:2"},
        {"promotion_ids": AWKWARD, "user_id_hash": None},
    ],
)
def test_shopeepay_may_add_fields_and_change_types(tmp_path: Path, changes: dict[str, Any]) -> None:
    adapter = built(a_section(tmp_path))
    paid = a_transaction(**changes)
    confirmation = adapter.read_callback(callback_request(paid))
    assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
        Outcome.PAID,
        AMOUNT,
        ATTEMPT,
    )
    with responses.RequestsMock() as wire:
        address = f"{URL}/v3/merchant-host/transaction/check"
        wire.add("POST", address, **answered({"transaction": paid}))
        answer = adapter.query_payment(a_query())
    assert (answer.outcome, answer.bank_transaction_id) == (Outcome.PAID, confirmation.bank_transaction_id)
