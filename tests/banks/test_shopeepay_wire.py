"""ShopeePay's wire vector, and the conversation with its simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.shopeepay import CHECK
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.shopeepay import ShopeePaySimulator
from payment_hub.domain.banks.values import CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request

URL = "https://shopee.test"
(VECTOR,) = json.loads((Path(__file__).parent / "vectors/shopeepay/signatures.json").read_text("utf-8"))


def bank_of(folder: Path) -> Any:
    """The adapter with the shop and the secret of the vector."""
    section = {
        "URL": URL,
        "CLIENT_ID": "11000067",
        "SECRET": VECTOR["secret"],
        "MERCHANT_EXT_ID": "HUB",
        "STORE_EXT_ID": "HUB01",
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
