"""VNPAY's adapter and its far side over real HTTP: each verifies what the other signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from bank_adapters.far_side.desk import Desk, Payment, WireReply
from bank_adapters.far_side.desk_server import serve, settings_of
from bank_adapters.far_side.vnpay import VnpayFarSide
from bank_adapters.vnpay import Vnpay
from payment_hub.domain.banks.values import Answer, CallbackRequest, Confirmation, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import Money, dong
from tests.bank_adapters.examples import AMOUNT, ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request
from tests.bank_adapters.vnpay_messages import a_vnpay


@dataclass
class Circle:
    """Both sides, and the address at which the far side listens."""

    adapter: Vnpay
    far_side: VnpayFarSide
    desk: Desk
    url: str

    def opened(self) -> Payment:
        """The payment after the citizen's browser went where the adapter sent it."""
        visited = requests.get(self.adapter.open_payment(a_request()).page_url or "", timeout=5)
        assert (visited.status_code, visited.url) == (200, f"{self.url}/pay/{ATTEMPT}")
        payment = self.desk.find(ATTEMPT)
        assert payment is not None
        return payment

    def told(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the IPN about it."""
        (notice,) = self.far_side.notices(payment)
        heard = CallbackRequest(notice.method, "/callbacks/vnpay", notice.query, {}, notice.body, NOON)
        return self.adapter.read_callback(heard)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", rails=[VnpayFarSide], statements=tmp_path) as house:
        adapter = a_vnpay(settings_of([VnpayFarSide], house.url, tmp_path)["vnpay"])
        rail = house.rails["vnpay"]
        assert isinstance(rail.far_side, VnpayFarSide)
        yield Circle(adapter, rail.far_side, rail.desk, f"{house.url}/vnpay")


def test_an_address_that_was_changed_opens_nothing(circle: Circle) -> None:
    page = circle.adapter.open_payment(a_request()).page_url or ""
    assert requests.get(page.replace("15000000", "1500000"), timeout=5).status_code == 404
    assert requests.get(page.rpartition("&")[0], timeout=5).status_code == 404
    assert circle.desk.payments() == []


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_callback_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    payment = circle.opened()
    assert circle.far_side.notices(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    circle.desk.settle(payment, outcome, tell=False)
    told, asked = circle.told(payment), circle.adapter.query_payment(a_query())
    back = (circle.far_side.returns_to(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    assert circle.adapter.read_return(back[2].encode()) == told
    assert told.outcome is asked.outcome is Outcome[outcome]
    assert (told.amount, told.bank_transaction_id) == (asked.amount, asked.bank_transaction_id)
    assert (told.amount, told.reference, told.key) == (AMOUNT, ATTEMPT, 0)
    assert circle.far_side.notices(payment) == circle.far_side.notices(payment)


def test_a_payment_of_another_moment_is_not_found(circle: Circle) -> None:
    circle.opened()
    assert circle.adapter.query_payment(a_query(attempt_reference="DV0-1")).code == "91"
    assert circle.adapter.query_payment(a_query(started_at=a_query().queried_at)).code == "91"


def test_another_secret_is_refused_on_both_sides(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    stranger = a_vnpay(
        {**VnpayFarSide.settings(circle.url, tmp_path), "SECRET": "ANOTHERSECRETANOTHERSECRET"}
    )
    page = stranger.open_payment(a_request(attempt_reference="DV0-1")).page_url or ""
    assert requests.get(page, timeout=5).status_code == 404
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())
    circle.desk.settle(payment, "PAID", tell=False)
    with pytest.raises(CallbackRejected):
        Circle(stranger, circle.far_side, circle.desk, circle.url).told(payment)


@pytest.mark.parametrize("amount", [AMOUNT, dong(50_000)])
@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED"])
def test_a_refund_is_accepted_and_becomes_what_it_becomes(circle: Circle, amount: Money, end: str) -> None:
    payment = circle.opened()
    assert circle.adapter.refund_payment(a_refund()).outcome is RefundOutcome.FAILED
    circle.desk.settle(payment, "PAID", tell=False)
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
    circle.desk.settle(payment, "PAID", tell=False)
    request = CallbackRequest(
        "GET", "/callbacks/vnpay", circle.far_side.notices(payment)[0].query, {}, b"", NOON
    )
    replies = {answer: circle.adapter.acknowledge(answer, request) for answer in Answer}
    heard = {
        answer for answer, one in replies.items() if circle.far_side.heard(WireReply(one.status, one.body))
    }
    assert heard == {Answer.RECORDED, Answer.ALREADY_RECORDED}
    refusal = circle.adapter.refuse(request)
    assert refusal is not None
    assert not circle.far_side.heard(WireReply(refusal.status, refusal.body))


def test_the_file_of_the_day_is_read(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    circle.desk.settle(payment, "PAID", tell=False)
    day = (payment.paid_at or NOON).astimezone(UTC).date()
    text = circle.far_side.statement(day, [payment]) or ""
    (tmp_path / "vnpay" / f"{day}.csv").write_text(text, "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"RspCode": "99"}'])
def test_what_is_no_answer_ends_nothing(circle: Circle, body: bytes) -> None:
    assert not circle.far_side.heard(WireReply(200, body))


def test_the_interface_knows_two_commands(circle: Circle) -> None:
    interface = f"{circle.url}/merchant_webapi/api/transaction"
    assert requests.post(interface, json={"vnp_Command": "pay"}, timeout=5).json()["vnp_ResponseCode"] == "03"
    assert (
        requests.post(interface, json={"vnp_Command": "refund"}, timeout=5).json()["vnp_ResponseCode"] == "97"
    )
    assert requests.get(interface, timeout=5).status_code == 404
