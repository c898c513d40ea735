"""OnePay's adapter and its simulator over real HTTP: each verifies what the other signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import requests

from bank_adapters.onepay import OnePay
from bank_adapters.simulators.onepay import OnePaySimulator
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply
from payment_hub.domain.banks.values import Answer, CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_query, a_request
from tests.banks.onepay_messages import a_onepay


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: OnePay
    simulator: OnePaySimulator
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
            callback.method, "/callbacks/onepay", callback.query, {}, callback.body, NOON
        )
        return self.adapter.read_callback(accepted)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[OnePaySimulator], statements=tmp_path) as server:
        adapter = a_onepay(settings_of([OnePaySimulator], server.url, tmp_path)["onepay"])
        simulator = server.banks["onepay"]
        assert isinstance(simulator, OnePaySimulator)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/onepay")


def test_an_address_that_was_changed_opens_nothing(circle: Circle) -> None:
    page = circle.adapter.open_payment(a_request()).page_url or ""
    assert requests.get(page.replace("15000000", "1500000"), timeout=5).status_code == 404
    assert requests.get(page.rpartition("&")[0], timeout=5).status_code == 404
    assert circle.book.payments() == []


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_callback_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    assert circle.adapter.query_payment(a_query()).code == "N"
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    waiting = circle.adapter.query_payment(a_query())
    assert (waiting.outcome, waiting.code) == (Outcome.PENDING, "100")
    circle.book.settle(payment, outcome, notify=False)
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    assert circle.adapter.read_return(back[2].encode()) == told
    assert told.outcome is asked.outcome is Outcome[outcome]
    assert (told.amount, told.bank_transaction_id) == (asked.amount, asked.bank_transaction_id)
    assert (told.amount, told.reference, told.key) == (AMOUNT, ATTEMPT, 0)
    assert circle.simulator.callbacks(payment) == circle.simulator.callbacks(payment)


@pytest.mark.parametrize(
    "changes", [{"SECRET": "0F" * 16}, {"QUERY_PASSWORD": "another"}, {"ACCESS_CODE": "X"}]
)
def test_a_stranger_is_told_nothing(circle: Circle, tmp_path: Path, changes: dict[str, str]) -> None:
    circle.opened()
    stranger = a_onepay({**OnePaySimulator.settings(circle.url, tmp_path), **changes})
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())


def test_another_secrets_message_is_rejected(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    stranger = a_onepay({**OnePaySimulator.settings(circle.url, tmp_path), "SECRET": "0F" * 16})
    with pytest.raises(CallbackRejected):
        Circle(stranger, circle.simulator, circle.book, circle.url).told(payment)


def test_what_is_recorded_is_not_sent_again(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    request = CallbackRequest(
        "GET", "/callbacks/onepay", circle.simulator.callbacks(payment)[0].query, {}, b"", NOON
    )
    for answer in Answer:
        reply = circle.adapter.acknowledge(answer, request)
        accepted = circle.simulator.accepts(WireReply(reply.status, reply.body))
        assert accepted is (answer is not Answer.NOT_RECORDED)


def test_the_file_of_the_day_is_read(circle: Circle, tmp_path: Path) -> None:
    payment, day = circle.opened(), date(2026, 11, 22)
    circle.book.settle(payment, "PAID", notify=False)
    text = circle.simulator.statement(day, [payment]) or ""
    (tmp_path / "onepay" / f"{day}.csv").write_text(text, "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )
