"""ZaloPay's adapter and its simulator over real HTTP: each verifies what the other signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bank_adapters import load_adapters
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply, business_day
from bank_adapters.simulators.zalopay import ZaloPaySimulator
from bank_adapters.zalopay import ZaloPay
from payment_hub.domain.banks.values import (
    Answer,
    CallbackRequest,
    Confirmation,
    Outcome,
    PaymentRequest,
    RefundAnswer,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request

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

    def told(self, payment: Payment) -> Confirmation:
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
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    returned = circle.adapter.read_return(back[2].encode())
    assert told.outcome is asked.outcome is returned.outcome is Outcome.PAID
    assert (told.amount, told.bank_transaction_id) == (asked.amount, asked.bank_transaction_id)
    assert (told.amount, told.reference, told.key) == (AMOUNT, ATTEMPT, 0)
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
    assert circle.told(payment).amount == dong(149_000)
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
