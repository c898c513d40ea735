"""BIDV's wire vectors, and a whole payment with its simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.simulators import bidv as far
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment, WireReply, WireRequest
from payment_hub.domain.banks.values import Answer, Bill, CallbackRequest, Due, Outcome
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.bidv_messages import BEARER, TOKEN
from tests.banks.examples import AMOUNT, DAY, NOON, ORDER

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads((Path(__file__).parent / "vectors/bidv/signatures.json").read_text("utf-8"))
}


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the service and the secret of a vector."""
    section = {
        "SERVICE_ID": vector["inputs"]["service_id"],
        "SECRET": vector["secret"],
        "TOKEN_SECRET": TOKEN,
        "STATEMENTS": str(folder),
    }
    return load_adapters(["bidv"], {"bidv": section})["bidv"]


def message(vector: dict[str, Any], path: str, **changes: str) -> CallbackRequest:
    body = {**vector["inputs"], "checksum": vector["expected"]} | changes
    return CallbackRequest("POST", path, b"", BEARER, json.dumps(body).encode(), NOON)


def test_the_question_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["getbill-checksum"]
    adapter = bank_of(vector, tmp_path)
    inquiry = adapter.read_inquiry(message(vector, "/callbacks/bidv/inquiry"))
    assert (inquiry.reference, inquiry.amount, inquiry.key) == ("HS0001", None, 0)
    for changes in (
        {"customer_id": "HS0002"},
        {"checksum": vector["expected"][::-1]},
        {"service_id": "HUB002"},
    ):
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(message(vector, "/callbacks/bidv/inquiry", **changes))


def test_the_payment_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["paybill-checksum"]
    adapter = bank_of(vector, tmp_path)
    said = adapter.read_callback(message(vector, "/callbacks/bidv"))
    assert (said.reference, said.amount, said.outcome) == ("HUB240501000123", dong(150_000), Outcome.PAID)
    assert (said.bank_transaction_id, said.event_id, said.paid_at) == (
        "BIDV000001",
        "paybill:BIDV000001",
        None,
    )
    for changes in ({"amount": "150001"}, {"trans_id": "BIDV000002"}, {"bill_id": "HUB240501000124"}):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(message(vector, "/callbacks/bidv", **changes))
    upper = adapter.read_callback(message(vector, "/callbacks/bidv", checksum=vector["expected"].upper()))
    assert upper == said


def test_both_sides_understand_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("http://127.0.0.1:9", simulators=[far.BidvSimulator], statements=tmp_path) as server:
        section = settings_of([far.BidvSimulator], server.url, tmp_path)["bidv"]
        adapter: Any = load_adapters(["bidv"], {"bidv": section})["bidv"]
        simulator = server.banks["bidv"]
        due = Due.CLOSED

        def hub(request: WireRequest, _: str) -> WireReply:
            inquiry = adapter.read_inquiry(_arrived(request))
            reply = adapter.answer_inquiry(inquiry, Bill(due, ORDER, "", AMOUNT, "NGUYEN VAN A", "Le phi"))
            return WireReply(reply.status, reply.body)

        monkeypatch.setattr(far, "send_request", hub)
        assert simulator.pay_bill(ORDER) is None
        due = Due.PAYABLE
        payment = simulator.pay_bill(ORDER)
        assert isinstance(payment, Payment)
        simulator.book.settle(payment, "PAID", notify=False)
        (callback,) = simulator.callbacks(payment)
        said = adapter.read_callback(_arrived(callback))
        assert (said.reference, said.amount, said.bank_transaction_id) == (
            ORDER,
            AMOUNT,
            payment.transaction_id,
        )
        for answer in Answer:
            reply = adapter.acknowledge(answer, _arrived(callback))
            accepted = answer in (Answer.RECORDED, Answer.ALREADY_RECORDED)
            assert simulator.accepts(WireReply(reply.status, reply.body)) is accepted
        (tmp_path / "bidv" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
        (line,) = adapter.fetch_statement(DAY).lines
        assert (line.reference, line.bank_transaction_id, line.amount) == (
            ORDER,
            payment.transaction_id,
            AMOUNT,
        )


def test_of_a_payment_that_failed_bidv_says_nothing(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[far.BidvSimulator], statements=tmp_path) as server:
        simulator = server.banks["bidv"]
        payment = simulator.book.settle(
            simulator.book.remember(Payment(ORDER, 150_000)), "DECLINED", notify=False
        )
        assert simulator.callbacks(payment) == []


def _arrived(request: WireRequest) -> CallbackRequest:
    return CallbackRequest(request.method, request.path, request.query, request.headers, request.body, NOON)
