"""MoMo's adapter and its simulator over real HTTP: each verifies what the other signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bank_adapters import load_adapters
from bank_adapters.momo import Momo
from bank_adapters.simulators.momo import MomoSimulator
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply, business_day
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.banks.values import (
    Answer,
    CallbackRequest,
    Confirmation,
    Outcome,
    RefundAnswer,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request

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

    def told(self, payment: Payment) -> Confirmation:
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
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    returned = circle.adapter.read_return(back[2].encode())
    assert replace(returned, paid_at=None) == replace(told, paid_at=None)
    assert told.outcome is asked.outcome is Outcome[outcome]
    assert (told.amount, told.bank_transaction_id) == (asked.amount, asked.bank_transaction_id)
    assert (told.amount, told.reference, told.key) == (AMOUNT, ATTEMPT, 0)


def test_a_notice_of_another_amount_is_told_as_it_is(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", amount=149_000, notify=False)
    assert circle.told(payment).amount == dong(149_000)


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
    held = circle.told(payment)
    assert (held.outcome, held.authorised) == (Outcome.PENDING, True)
    with pytest.raises(BankUnavailable, match="22"):
        circle.adapter.capture_payment(a_query(amount=dong(1000)))
    assert confirm(a_query()).outcome is confirm(a_query()).outcome is ends
    assert circle.told(payment).outcome is circle.adapter.query_payment(a_query()).outcome is ends


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
