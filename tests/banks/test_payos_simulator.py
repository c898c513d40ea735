"""payOS's adapter and its simulator over real HTTP: each verifies what the other signs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.payos import Payos
from bank_adapters.simulators.payos import PayosSimulator, link_id
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.banks.values import (
    CallbackRequest,
    Confirmation,
    Outcome,
    PayerAccount,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import (
    AMOUNT,
    NUMBER,
    ORDER,
    REFUND,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)

NOW = datetime.now(UTC)


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: Payos
    simulator: PayosSimulator
    book: Book
    url: str

    def opened(self) -> Payment:
        """The payment after a link was made."""
        self.adapter.open_payment(a_request())
        payment = self.book.find(str(NUMBER))
        assert payment is not None
        return payment

    def told(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the message about it."""
        (callback,) = self.simulator.callbacks(payment)
        return self.adapter.read_callback(
            CallbackRequest(callback.method, "/callbacks/payos", b"", callback.headers, callback.body, NOW)
        )


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[PayosSimulator], statements=tmp_path) as server:
        adapter = load_adapters(["payos"], settings_of([PayosSimulator], server.url, tmp_path))["payos"]
        simulator = server.banks["payos"]
        assert isinstance(simulator, PayosSimulator)
        assert isinstance(adapter, Payos)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/payos")


def test_a_link_has_a_page_and_a_code(circle: Circle) -> None:
    given = circle.adapter.open_payment(a_request())
    visited = requests.get(given.page_url or "", timeout=5)
    assert (visited.status_code, visited.url) == (200, f"{circle.url}/pay/{NUMBER}")
    code = read_qr(given.qr_text or "")
    assert (code.amount, code.additional["purpose"]) == (AMOUNT, f"Le phi {ORDER}")


def test_a_transfer_finds_its_link_by_its_words(circle: Circle) -> None:
    form = {"qr_text": circle.adapter.open_payment(a_request()).qr_text, "choice": "silent"}
    requests.post(f"{circle.url}/transfer", form, timeout=5, allow_redirects=False)
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PAID


def test_a_link_whose_answer_was_lost_is_given_again(circle: Circle) -> None:
    first, again = (circle.adapter.open_payment(a_request()) for _ in range(2))
    assert (again.page_url, again.bank_reference) == (first.page_url, first.bank_reference)
    assert len(circle.book.payments()) == 1


def test_who_does_not_know_the_keys_opens_nothing(circle: Circle) -> None:
    settings = replace(circle.adapter.settings, secret=b"another-checksum-key-0123456789")
    with pytest.raises(BankUnavailable, match="201"):
        replace(circle.adapter, settings=settings).open_payment(a_request())
    with pytest.raises(BankUnavailable, match="401"):
        replace(circle.adapter, settings=replace(circle.adapter.settings, api_key="x" * 20)).open_payment(
            a_request()
        )
    assert circle.book.payments() == []


@pytest.mark.parametrize("amount", [150_000, 149_000, 151_000])
def test_callback_and_answer_say_the_same(circle: Circle, amount: int) -> None:
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    circle.book.settle(payment, "PAID", amount=amount, notify=False)
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    assert told.outcome is asked.outcome is Outcome.PAID
    assert told.amount == asked.amount == dong(amount)
    assert (told.bank_transaction_id, told.payer, told.paid_at, told.number) == (
        asked.bank_transaction_id,
        asked.payer,
        asked.paid_at,
        asked.number,
    )
    assert circle.simulator.callbacks(payment) == circle.simulator.callbacks(payment)


def test_a_cancelled_link_is_over(circle: Circle) -> None:
    circle.opened()
    assert circle.adapter.cancel_payment(a_query()).outcome is Outcome.DECLINED
    assert circle.adapter.query_payment(a_query()).code == "CANCELLED"


def test_money_that_came_before_the_cancellation_is_told(circle: Circle) -> None:
    circle.book.settle(circle.opened(), "PAID", notify=False)
    assert circle.adapter.cancel_payment(a_query()).outcome is Outcome.PAID


def test_a_link_that_nobody_made_is_no_answer(circle: Circle) -> None:
    with pytest.raises(BankUnavailable, match="101"):
        circle.adapter.query_payment(a_query())


def test_an_altered_message_is_rejected(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    (callback,) = circle.simulator.callbacks(payment)
    spoilt = callback.body.replace(b"150000", b"950000")
    with pytest.raises(CallbackRejected):
        circle.adapter.read_callback(CallbackRequest("POST", "/callbacks/payos", b"", {}, spoilt, NOW))


def test_a_refund_goes_back_where_the_money_came_from(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    payer = circle.told(payment).payer
    for _ in range(2):
        said = circle.adapter.refund_payment(a_refund(payer=payer))
        assert (said.outcome, said.code) == (RefundOutcome.PENDING, "PROCESSING")
    assert [one.amount for one in payment.refunds] == [150_000]
    for bank_refund_id in (None, said.bank_refund_id):
        asked = a_refund_query(bank_refund_id=bank_refund_id)
        assert circle.adapter.query_refund(asked).outcome is RefundOutcome.PENDING
    requests.post(f"{circle.url}/refund/{REFUND}", {"state": "SUCCEEDED"}, timeout=5)
    assert circle.adapter.query_refund(a_refund_query()).outcome is RefundOutcome.SUCCEEDED


def test_more_than_was_paid_does_not_go_back(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    payer = circle.told(payment).payer
    circle.adapter.refund_payment(a_refund(payer=payer))
    second = a_refund(payer=payer, refund_reference="RF-2")
    assert circle.adapter.refund_payment(second).outcome is RefundOutcome.FAILED


def test_a_refund_that_never_arrived_is_unknown_there(circle: Circle) -> None:
    assert circle.adapter.query_refund(a_refund_query()).code == "NOT_FOUND"
    with pytest.raises(BankUnavailable):
        circle.adapter.refund_payment(a_refund(payer=PayerAccount("1234567890", "970436")))


def test_the_daily_file_leads_to_the_order(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    told = circle.told(payment)
    assert told.paid_at is not None
    day = (told.paid_at).astimezone(UTC).date()
    content = circle.simulator.statement(day, [payment])
    (circle.adapter.settings.statements / f"{day}.csv").write_text(content or "")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.bank_transaction_id, line.amount, line.booked_at) == (
        told.bank_transaction_id,
        told.amount,
        told.paid_at,
    )
    assert ORDER in line.reference


def test_the_browser_goes_back_with_what_nobody_signed(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    back = circle.simulator.return_url(payment) or ""
    assert back.startswith(f"{a_request().return_url}?code=00&id={link_id(payment)}&cancel=false&status=PAID")


def test_garbage_is_the_askers_fault(circle: Circle) -> None:
    headers = {"x-client-id": "trial-client", "x-api-key": "trial-api-key-of-payos"}
    answer = requests.post(f"{circle.url}/v2/payment-requests", b"{", headers=headers, timeout=5)
    assert answer.status_code == 400
    assert "refused" in json.loads(answer.content)
