"""PaymentPlatform's wire vectors, and the conversation with its simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.simulators.paymentplatform import PaymentPlatformSimulator
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.toolkit.bank_time import read_vietnam_time
from payment_hub.domain.banks.values import Answer, CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, NOON, a_query, a_request

INIT, QUERY = "https://platform.test/init", "https://platform.test/query"
VECTORS = {
    vector["kind"]: vector
    for vector in json.loads(
        (Path(__file__).parent / "vectors/paymentplatform/signatures.json").read_text("utf-8")
    )
}


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the partner and the secret of a vector."""
    section = {
        "INIT_URL": INIT,
        "QUERY_URL": QUERY,
        "RECEIPT_URL": "https://platform.test/receipt",
        "PARTNER": vector["inputs"]["MaDoiTac"],
        "SECRET": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["paymentplatform"], {"paymentplatform": section})["paymentplatform"]


def test_init_leaves_as_the_vector_says(tmp_path: Path) -> None:
    vector = VECTORS["INIT-MaXacThuc"]
    fields = vector["inputs"]
    request = a_request(
        attempt_reference=fields["MaThamChieu"],
        amount=dong(int(fields["SoTien"])),
        description=fields["ThongTinGiaoDich"],
        payer_ip=fields["Ip"],
        started_at=read_vietnam_time(fields["ThoiGianGD"]),
        expires_at=NOON,
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", INIT, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).open_payment(request)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert isinstance(sent.pop("ThongTinBienLai"), dict)
    assert sent.pop("MaXacThuc") == vector["expected"]
    assert sent == {name: value for name, value in fields.items() if name != "ThongTinBienLai"}


def test_a_question_leaves_as_the_vector_says(tmp_path: Path) -> None:
    vector = VECTORS["QUERY-MaXacThuc"]
    fields = vector["inputs"]
    asked = a_query(
        attempt_reference=fields["MaThamChieu"], started_at=read_vietnam_time(fields["ThoiGianGD"])
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERY, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).query_payment(asked)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert sent == {**fields, "MaXacThuc": vector["expected"]}


def test_a_result_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["result-push-MaXacThuc"]
    adapter = bank_of(vector, tmp_path)
    said = adapter.read_callback(told({**vector["inputs"], "MaXacThuc": vector["expected"]}))
    assert (said.outcome, said.amount) == (Outcome.PAID, dong(150_000))
    assert (said.reference, said.bank_transaction_id) == ("HUB240501000123", "240501000000001")
    for name in vector["inputs"]:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told({**vector["inputs"], name: "7", "MaXacThuc": vector["expected"]}))


def test_both_sides_understand_each_other(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[PaymentPlatformSimulator], statements=tmp_path) as server:
        section = settings_of([PaymentPlatformSimulator], server.url, tmp_path)["paymentplatform"]
        adapter: Any = load_adapters(["paymentplatform"], {"paymentplatform": section})["paymentplatform"]
        simulator = server.banks["paymentplatform"]
        assert adapter.open_payment(a_request()).page_url == f"{server.url}/paymentplatform/pay/{ATTEMPT}"
        assert adapter.query_payment(a_query()).outcome is Outcome.PENDING
        with pytest.raises(BankUnavailable):
            adapter.fetch_receipt(a_query())
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        simulator.book.settle(payment, "PAID", notify=False)
        asked = adapter.query_payment(a_query())
        (callback,) = simulator.callbacks(payment)
        message = CallbackRequest("POST", "/", b"", callback.headers, callback.body, NOON)
        accepted = adapter.read_callback(message)
        assert (
            (asked.outcome, asked.amount)
            == (accepted.outcome, accepted.amount)
            == (Outcome.PAID, dong(150_000))
        )
        assert asked.bank_transaction_id == accepted.bank_transaction_id == payment.transaction_id
        assert json.loads(adapter.acknowledge(Answer.RECORDED, message).body)["MaLoi"] == "00"
        assert ATTEMPT.encode() in adapter.fetch_receipt(a_query())


def told(fields: dict[str, Any]) -> CallbackRequest:
    body = json.dumps(fields).encode()
    return CallbackRequest("POST", "/callbacks/paymentplatform", b"", {}, body, NOON)
