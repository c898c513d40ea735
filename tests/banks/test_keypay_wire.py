"""KeyPay's wire vectors through the adapter's own verbs, and a whole payment with its simulator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.simulators.keypay import KeyPaySimulator
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment, Simulator, WireReply
from payment_hub.domain.banks.values import Answer, CallbackRequest, Outcome, PaymentQuery, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    DAY,
    NOON,
    ORDER,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.keypay_messages import CREATE, DETAIL, REFUND_DETAIL, REFUNDS, sent

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads((Path(__file__).parent / "vectors/keypay/signatures.json").read_text("utf-8"))
}


def bank_of(vector: dict[str, Any], folder: Path, **more: str) -> Any:
    """The adapter with the client and the key of a vector, whichever of the two it is."""
    section = {
        "CREATE_URL": CREATE,
        "DETAIL_URL": DETAIL,
        "REFUND_URL": REFUNDS,
        "REFUND_DETAIL_URL": REFUND_DETAIL,
        "CLIENT_ID": vector["inputs"].get("client_id", "HUB01"),
        "SECRET": vector["secret"],
        "SECRET_RECEIVED": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["keypay"], {"keypay": section | more})["keypay"]


def asked_with(address: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What is sent to a bank that does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", address, status=500)
        with pytest.raises(BankUnavailable):
            ask()
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
        return fields


def test_the_payment_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["create-check_sum"]
    adapter = bank_of(vector, tmp_path, SECRET_RECEIVED="another-key-of-keypay", UNIT_CODE="G22.99")
    request = a_request(attempt_reference=vector["inputs"]["transaction_id"])
    asked = asked_with(CREATE, lambda: adapter.open_payment(request))
    assert asked["check_sum"] == vector["expected"]
    assert {name: asked[name] for name in vector["inputs"]} == vector["inputs"]
    assert asked["bill_info"] == {
        "MaDichVu": "2",
        "MaDonVi": "G22.99",
        "MaCoQuanQD": "G22.99",
        "MaHoSo": ORDER,
        "NoiDungThanhToan": request.description,
        "DSKhoanNop": [{"NoiDung": request.description, "SoTien": "150000"}],
    }
    assert (asked["return_url"], asked["currency_code"], asked["environment"]) == (
        request.return_url,
        "VND",
        "1",
    )


def test_the_callback_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["callback-check_sum"]
    adapter = bank_of(vector, tmp_path, SECRET="another-key-of-keypay")
    genuine = {**vector["inputs"], "status": 0, "check_sum": vector["expected"]}
    said = adapter.read_callback(sent(genuine))
    assert (said.reference, said.amount, said.outcome) == ("HUB240501000123", dong(150_000), Outcome.PENDING)
    for name, value in vector["inputs"].items():
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | {name: f"{value}0"}))


def test_the_question_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["detail-check_sum"]
    query = PaymentQuery("", vector["inputs"]["transaction_id"], AMOUNT, NOON, NOON)
    adapter = bank_of(vector, tmp_path)
    asked = asked_with(DETAIL, lambda: adapter.query_payment(query))
    assert asked == {**vector["inputs"], "check_sum": vector["expected"]}


def test_the_refund_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["refund-check_sum"]
    fields = vector["inputs"]
    refund = a_refund(attempt_reference=fields["transaction_id"], description=fields["reason"])
    adapter = bank_of(vector, tmp_path)
    asked = asked_with(REFUNDS, lambda: adapter.refund_payment(refund))
    assert asked == {**fields, "check_sum": vector["expected"]}


@pytest.mark.parametrize("digest", ["md5", "sha256"])
def test_what_older_keypay_signed_is_refused(tmp_path: Path, digest: str) -> None:
    """Hashes with the secret inside: the older scheme is never talked back in."""
    vector = VECTORS["query-md5"]
    assert hashlib.md5(vector["string_to_sign"].encode()).hexdigest() == vector["expected"]
    adapter = bank_of(vector, tmp_path)
    fields = dict(VECTORS["callback-check_sum"]["inputs"])
    plain = vector["secret"] + "".join(str(fields[name]) for name in sorted(fields))
    for old in (vector["expected"], hashlib.new(digest, plain.encode()).hexdigest()):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent({**fields, "status": 0, "check_sum": old}))
        data = {"transaction_code": "KP0001", "trans_amount": "150000", "status": 0, "check_sum": old}
        with responses.RequestsMock() as wire:
            wire.add("POST", DETAIL, json={"error": "0", "data": data})
            with pytest.raises(BankUnavailable):
                adapter.query_payment(a_query())


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Any, Simulator]]:
    """The adapter and the bank that it speaks with, over HTTP."""
    with serve("http://127.0.0.1:9", simulators=[KeyPaySimulator], statements=tmp_path) as server:
        section = settings_of([KeyPaySimulator], server.url, tmp_path)["keypay"]
        yield load_adapters(["keypay"], {"keypay": section})["keypay"], server.banks["keypay"]


def settled(both: tuple[Any, Simulator], outcome: str) -> Payment:
    """The payment after the adapter has opened it and the payer has done what ``outcome`` says."""
    adapter, simulator = both
    adapter.open_payment(a_request())
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    return simulator.book.settle(payment, outcome, notify=False)


def test_a_payment_is_opened_once(both: tuple[Any, Simulator]) -> None:
    adapter, simulator = both
    with pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())
    opened = [adapter.open_payment(a_request()) for _ in range(2)]
    assert opened[0] == opened[1]
    assert opened[0].page_url == f"{simulator.url}/pay/{ATTEMPT}"
    with pytest.raises(BankUnavailable):
        adapter.open_payment(a_request(amount=dong(1_000)))
    assert adapter.query_payment(a_query()).outcome is Outcome.PENDING


def test_what_was_paid_is_told_asked_and_booked(both: tuple[Any, Simulator], tmp_path: Path) -> None:
    adapter, simulator = both
    payment = settled(both, "PAID")
    (callback,) = simulator.callbacks(payment)
    arrived = CallbackRequest("POST", callback.path, b"", callback.headers, callback.body, NOON)
    assert adapter.read_callback(arrived).reference == ATTEMPT
    assert simulator.accepts(WireReply(200, adapter.acknowledge(Answer.RECORDED, arrived).body))
    assert not simulator.accepts(WireReply(200, adapter.refuse(arrived).body))
    paid, number = adapter.query_payment(a_query()), payment.transaction_id
    assert (paid.outcome, paid.amount, paid.bank_transaction_id) == (Outcome.PAID, AMOUNT, number)
    (tmp_path / "keypay" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
    (line,) = adapter.fetch_statement(DAY).lines
    assert (line.reference, line.bank_transaction_id, line.amount) == (ATTEMPT, number, AMOUNT)


def test_a_refund_is_asked_for_once_and_then_about(both: tuple[Any, Simulator]) -> None:
    adapter, _ = both
    payment = settled(both, "PAID")
    first, again = (adapter.refund_payment(a_refund()) for _ in range(2))
    assert [first.outcome, again.outcome] == [RefundOutcome.PENDING] * 2
    assert (again.code, again.bank_refund_id) == ("5", None)
    asked = a_refund_query(bank_refund_id=first.bank_refund_id)
    for state in ("PENDING", "SUCCEEDED", "FAILED"):
        payment.refunds[0].state = state
        assert adapter.query_refund(asked).outcome.value == state


def test_a_payment_that_failed_is_declined_by_the_word_that_was_agreed(both: tuple[Any, Simulator]) -> None:
    adapter, _ = both
    settled(both, "DECLINED")
    assert adapter.query_payment(a_query()).outcome is Outcome.DECLINED
