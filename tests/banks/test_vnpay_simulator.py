"""VNPAY's adapter and its simulator over real HTTP: each verifies what the other signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply
from bank_adapters.simulators.vnpay import VnpaySimulator
from bank_adapters.vnpay import Vnpay
from payment_hub.domain.banks.values import Answer, CallbackRequest, Confirmation, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import Money, dong
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request
from tests.banks.vnpay_messages import a_vnpay


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: Vnpay
    simulator: VnpaySimulator
    book: Book
    url: str

    def opened(self) -> Payment:
        """The payment after the citizen's browser went where the adapter sent it."""
        visited = requests.get(self.adapter.open_payment(a_request()).page_url or "", timeout=5)
        assert (visited.status_code, visited.url) == (200, f"{self.url}/pay/{ATTEMPT}")
        payment = self.book.find(ATTEMPT)
        assert payment is not None
        return payment

    def told(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the IPN about it."""
        (callback,) = self.simulator.callbacks(payment)
        accepted = CallbackRequest(
            callback.method, "/callbacks/vnpay", callback.query, {}, callback.body, NOON
        )
        return self.adapter.read_callback(accepted)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[VnpaySimulator], statements=tmp_path) as server:
        adapter = a_vnpay(settings_of([VnpaySimulator], server.url, tmp_path)["vnpay"])
        simulator = server.banks["vnpay"]
        assert isinstance(simulator, VnpaySimulator)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/vnpay")


def test_an_address_that_was_changed_opens_nothing(circle: Circle) -> None:
    page = circle.adapter.open_payment(a_request()).page_url or ""
    assert requests.get(page.replace("15000000", "1500000"), timeout=5).status_code == 404
    assert requests.get(page.rpartition("&")[0], timeout=5).status_code == 404
    assert circle.book.payments() == []


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_callback_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    circle.book.settle(payment, outcome, notify=False)
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    assert circle.adapter.read_return(back[2].encode()) == told
    assert told.outcome is asked.outcome is Outcome[outcome]
    assert (told.amount, told.bank_transaction_id) == (asked.amount, asked.bank_transaction_id)
    assert (told.amount, told.reference, told.key) == (AMOUNT, ATTEMPT, 0)
    assert circle.simulator.callbacks(payment) == circle.simulator.callbacks(payment)


def test_a_payment_of_another_moment_is_not_found(circle: Circle) -> None:
    circle.opened()
    assert circle.adapter.query_payment(a_query(attempt_reference="DV0-1")).code == "91"
    assert circle.adapter.query_payment(a_query(started_at=a_query().queried_at)).code == "91"


def test_another_secret_is_refused_on_both_sides(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    stranger = a_vnpay(
        {**VnpaySimulator.settings(circle.url, tmp_path), "SECRET": "ANOTHERSECRETANOTHERSECRET"}
    )
    page = stranger.open_payment(a_request(attempt_reference="DV0-1")).page_url or ""
    assert requests.get(page, timeout=5).status_code == 404
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())
    circle.book.settle(payment, "PAID", notify=False)
    with pytest.raises(CallbackRejected):
        Circle(stranger, circle.simulator, circle.book, circle.url).told(payment)


@pytest.mark.parametrize("amount", [AMOUNT, dong(50_000)])
@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED"])
def test_a_refund_is_accepted_and_becomes_what_it_becomes(circle: Circle, amount: Money, end: str) -> None:
    payment = circle.opened()
    assert circle.adapter.refund_payment(a_refund()).outcome is RefundOutcome.FAILED
    circle.book.settle(payment, "PAID", notify=False)
    sent_at = datetime.now(UTC)
    accepted = circle.adapter.refund_payment(a_refund(amount=amount))
    assert accepted.outcome is RefundOutcome.PENDING
    assert accepted.bank_refund_id not in (None, payment.transaction_id)
    assert circle.adapter.refund_payment(a_refund(amount=amount)).code == "94"
    (refund,) = payment.refunds
    asked = a_refund_query(amount=amount, submitted_at=sent_at, bank_refund_id=accepted.bank_refund_id)
    assert circle.adapter.query_refund(asked).outcome is RefundOutcome.PENDING
    refund.state = end
    assert circle.adapter.query_refund(asked).outcome is RefundOutcome[end]
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    too_much = circle.adapter.refund_payment(a_refund(refund_reference="RF2", amount=AMOUNT))
    assert too_much.outcome is RefundOutcome.PENDING


def test_only_its_own_two_words_end_the_messages(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    request = CallbackRequest(
        "GET", "/callbacks/vnpay", circle.simulator.callbacks(payment)[0].query, {}, b"", NOON
    )
    replies = {answer: circle.adapter.acknowledge(answer, request) for answer in Answer}
    accepted = {
        answer for answer, one in replies.items() if circle.simulator.accepts(WireReply(one.status, one.body))
    }
    assert accepted == {Answer.RECORDED, Answer.ALREADY_RECORDED}
    refusal = circle.adapter.refuse(request)
    assert refusal is not None
    assert not circle.simulator.accepts(WireReply(refusal.status, refusal.body))


def test_the_file_of_the_day_is_read(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    day = (payment.paid_at or NOON).astimezone(UTC).date()
    text = circle.simulator.statement(day, [payment]) or ""
    (tmp_path / "vnpay" / f"{day}.csv").write_text(text, "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"RspCode": "99"}'])
def test_what_is_no_answer_ends_nothing(circle: Circle, body: bytes) -> None:
    assert not circle.simulator.accepts(WireReply(200, body))


def test_the_interface_knows_two_commands(circle: Circle) -> None:
    interface = f"{circle.url}/merchant_webapi/api/transaction"
    assert requests.post(interface, json={"vnp_Command": "pay"}, timeout=5).json()["vnp_ResponseCode"] == "03"
    assert (
        requests.post(interface, json={"vnp_Command": "refund"}, timeout=5).json()["vnp_ResponseCode"] == "97"
    )
    assert requests.get(interface, timeout=5).status_code == 404
