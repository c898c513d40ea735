"""Viettel Money's wire vectors through the adapter's own verbs, and a whole payment with its simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses

from bank_adapters import load_adapters
from bank_adapters.simulators import viettelmoney as far
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Simulator, WireReply, WireRequest
from payment_hub.domain.banks.values import (
    Answer,
    Bill,
    CallbackRequest,
    Due,
    Outcome,
    PaymentQuery,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, a_query, a_refund, a_request

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads(
        (Path(__file__).parent / "vectors/viettelmoney/signatures.json").read_text("utf-8")
    )
}
API = "https://viettel.test/PaymentAPI/webresources/postData"


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the merchant code and the keys of a vector."""
    merchant = vector["inputs"]["merchant_code"]
    code, _, _ = vector["string_to_sign"].partition(next(iter(map(str, vector["inputs"].values()))))
    section = {
        "PAY_URL": "https://viettel.test/PaymentGateway/payment",
        "API_URL": API,
        "MERCHANT_CODE": merchant,
        "ACCESS_SECRET": code,
        "SECRET": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["viettelmoney"], {"viettelmoney": section})["viettelmoney"]


def message(vector: dict[str, Any], **changes: object) -> CallbackRequest:
    fields = {**vector["inputs"], "check_sum": vector["expected"]} | changes
    return CallbackRequest("POST", "/", b"", {}, urlencode(fields).encode(), NOON)


def asked_with(adapter: Any, ask: Any) -> dict[str, str]:
    """The form that the adapter sends to a bank that does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            ask(adapter)
        body = wire.calls[0].request.body
        assert isinstance(body, bytes)
        return dict(parse_qsl(body.decode("ascii")))


def test_the_address_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["payment-check_sum"]
    fields = vector["inputs"]
    request = a_request(order_reference=fields["billcode"], attempt_reference=fields["order_id"])
    page = bank_of(vector, tmp_path).open_payment(request).page_url
    given = dict(parse_qsl(urlsplit(page).query))
    assert given["check_sum"] == vector["expected"]
    assert {name: given[name] for name in fields} == {name: str(value) for name, value in fields.items()}


def test_the_question_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["verify-check_sum"]
    adapter = bank_of(vector, tmp_path)
    inquiry = adapter.read_inquiry(message(vector))
    assert (inquiry.reference, inquiry.amount, inquiry.key) == ("HUB240501000123", dong(150_000), 0)
    for changes in ({"trans_amount": 15_000}, {"order_id": "HUB240501000124"}, {"billcode": "HS0002"}):
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(message(vector, **changes))


def test_the_result_of_the_vector_is_believed_and_answered_as_in_the_other(tmp_path: Path) -> None:
    vector, reply = VECTORS["notify-check_sum"], VECTORS["notify-reply-check_sum"]
    adapter = bank_of(vector, tmp_path)
    said = adapter.read_callback(message(vector))
    assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, dong(150_000), "HUB240501000123")
    assert said.bank_transaction_id == "170501083211000001"
    answer = json.loads(adapter.acknowledge(Answer.RECORDED, message(vector)).body)
    assert answer["check_sum"] == reply["expected"]
    for name, value in vector["inputs"].items():
        with pytest.raises(CallbackRejected):
            adapter.read_callback(message(vector, **{name: f"{value}0"}))


def test_the_query_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["inquiry-check_sum"]
    query = PaymentQuery("", vector["inputs"]["order_id"], AMOUNT, NOON, NOON)
    sent = asked_with(bank_of(vector, tmp_path), lambda adapter: adapter.query_payment(query))
    assert sent == {**vector["inputs"], "check_sum": vector["expected"]}


def test_the_refund_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["refund-check_sum"]
    fields = vector["inputs"]
    refund = a_refund(attempt_reference=fields["order_id"], bank_transaction_id=fields["originalRequestId"])
    sent = asked_with(bank_of(vector, tmp_path), lambda adapter: adapter.refund_payment(refund))
    assert sent["check_sum"] == vector["expected"]
    assert {name: sent[name] for name in fields} == {name: str(value) for name, value in fields.items()}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Any, Simulator]]:
    """The adapter and the bank that it speaks with, over HTTP."""
    with serve("http://127.0.0.1:9", simulators=[far.ViettelMoneySimulator], statements=tmp_path) as server:
        section = settings_of([far.ViettelMoneySimulator], server.url, tmp_path)["viettelmoney"]
        adapter = load_adapters(["viettelmoney"], {"viettelmoney": section})["viettelmoney"]
        yield adapter, server.banks["viettelmoney"]


def hub_that_says(adapter: Any, due: Due) -> Callable[[WireRequest, str], WireReply]:
    """Where Viettel asks, and hears ``due``."""

    def hub(request: WireRequest, _: str) -> WireReply:
        inquiry = adapter.read_inquiry(_arrived(request))
        reply = adapter.answer_inquiry(inquiry, Bill(due, ORDER, ATTEMPT, AMOUNT))
        return WireReply(reply.status, reply.body)

    return hub


def test_the_page_opens_for_a_genuine_address_that_the_hub_confirms(
    both: tuple[Any, Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, simulator = both
    page = adapter.open_payment(a_request()).page_url
    assert adapter.query_payment(a_query()).code == "-1/00"
    for due in set(Due) - {Due.PAYABLE}:
        monkeypatch.setattr(far, "send_request", hub_that_says(adapter, due))
        assert requests.get(page, timeout=5).status_code == 404
    monkeypatch.setattr(far, "send_request", hub_that_says(adapter, Due.PAYABLE))
    cheap = page.replace("trans_amount=150000", "trans_amount=1")
    assert requests.get(cheap, timeout=5).status_code == 404
    assert requests.get(page, timeout=5).url == f"{simulator.url}/pay/{ATTEMPT}"
    assert adapter.query_payment(a_query()).outcome is Outcome.PENDING


def test_what_was_paid_is_told_found_given_back_and_booked(
    both: tuple[Any, Simulator], tmp_path: Path
) -> None:
    adapter, simulator = both
    requests.get(adapter.open_payment(a_request()).page_url, timeout=5)
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    simulator.book.settle(payment, "PAID", notify=False)
    (callback,), number = simulator.callbacks(payment), payment.transaction_id
    for said in (adapter.read_callback(_arrived(callback)), adapter.query_payment(a_query())):
        assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, AMOUNT, number)
    assert simulator.accepts(WireReply(200, adapter.acknowledge(Answer.RECORDED, _arrived(callback)).body))
    assert not simulator.accepts(WireReply(200, adapter.refuse(_arrived(callback)).body))
    outcomes = [adapter.refund_payment(a_refund(bank_transaction_id=number)).outcome for _ in range(2)]
    assert outcomes == [RefundOutcome.SUCCEEDED, RefundOutcome.PENDING]
    (tmp_path / "viettelmoney" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
    (line,) = adapter.fetch_statement(DAY).lines
    assert (line.reference, line.bank_transaction_id, line.amount) == (ATTEMPT, number, AMOUNT)


def test_a_cancelled_payment_is_declined(both: tuple[Any, Simulator]) -> None:
    adapter, simulator = both
    requests.get(adapter.open_payment(a_request()).page_url, timeout=5)
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    simulator.book.settle(payment, "DECLINED", notify=False)
    (callback,) = simulator.callbacks(payment)
    for said in (adapter.read_callback(_arrived(callback)), adapter.query_payment(a_query())):
        assert (said.outcome, said.bank_transaction_id, said.code) == (Outcome.DECLINED, None, "5/V06")


def _arrived(request: WireRequest) -> CallbackRequest:
    return CallbackRequest(request.method, request.path, request.query, request.headers, request.body, NOON)
