"""The banks by bank transfer over real HTTP: a code is scanned, and the money comes by callback or in the statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.casso import CassoSimulator
from bank_adapters.simulators.choices import altered
from bank_adapters.simulators.sepay import SepaySimulator
from bank_adapters.simulators.server import SimulatorServer, serve, settings_of
from bank_adapters.simulators.simulator import Payment, Simulator, WireReply, business_day
from bank_adapters.simulators.vietqr import VietqrSimulator
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.money import dong
from payment_hub.domain.references import find_reference
from tests.banks.examples import AMOUNT, ORDER, a_request

SIMULATORS: list[type[Simulator]] = [CassoSimulator, SepaySimulator, VietqrSimulator]
TELLING = ["casso", "sepay"]


@dataclass
class Circle:
    """The simulators, and an adapter for each."""

    server: SimulatorServer
    adapters: dict[str, Any]

    def paid(self, bank: str, choice: str = "silent", **fields: str) -> Payment:
        """Somebody scans the adapter's code; what the bank then knows."""
        qr_text = self.adapters[bank].open_payment(a_request()).qr_text
        form = {"qr_text": qr_text, "choice": choice, **fields}
        answer = requests.post(
            f"{self.server.url}/{bank}/transfer", form, headers={"Accept": "application/json"}, timeout=5
        )
        payment = self.server.banks[bank].book.find(answer.json()["reference"])
        assert payment is not None
        return payment

    def message(self, bank: str, payment: Payment, spoilt: bool = False) -> CallbackRequest:
        """What the bank says of it, as it reaches the hub."""
        (callback,) = self.server.banks[bank].callbacks(payment)
        body = altered(callback, payment.amount).body if spoilt else callback.body
        return CallbackRequest(
            callback.method, f"/callbacks/{bank}", b"", callback.headers, body, datetime.now(UTC)
        )

    def confirmation_of(self, bank: str, payment: Payment) -> Confirmation:
        """What the adapter makes of that."""
        confirmation: Confirmation = self.adapters[bank].read_callback(self.message(bank, payment))
        return confirmation


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=SIMULATORS, statements=tmp_path) as server:
        yield Circle(server, load_adapters(list(server.banks), settings_of(SIMULATORS, server.url, tmp_path)))


@pytest.mark.parametrize("bank", TELLING)
def test_the_money_is_told_with_the_orders_reference(circle: Circle, bank: str) -> None:
    payment = circle.paid(bank)
    confirmation = circle.confirmation_of(bank, payment)
    assert (confirmation.outcome, confirmation.amount, confirmation.key) == (Outcome.PAID, AMOUNT, 0)
    assert find_reference(confirmation.reference, datetime.now(UTC)) == ORDER
    assert confirmation.bank_transaction_id == payment.transaction_id
    assert confirmation.paid_at is not None
    assert abs(confirmation.paid_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("bank", [*TELLING, "vietqr"])
def test_the_statement_has_the_same_money(circle: Circle, bank: str) -> None:
    payments = [circle.paid(bank), circle.paid(bank, amount="7000")]
    assert payments[0].paid_at is not None
    day = business_day(payments[0].paid_at)
    dropped = requests.post(f"{circle.server.url}/{bank}/statement/{day}", timeout=5)
    assert dropped.json()["file"].endswith(f"{bank}/{day}.csv")
    lines = circle.adapters[bank].fetch_statement(day).lines
    assert [line.amount for line in lines] == [AMOUNT, dong(7_000)]
    assert {find_reference(line.reference, datetime.now(UTC)) for line in lines} == {ORDER}
    if bank in TELLING:
        ids = [circle.confirmation_of(bank, payment).bank_transaction_id for payment in payments]
        assert [line.bank_transaction_id for line in lines] == ids


@pytest.mark.parametrize("bank", TELLING)
def test_two_transfers_with_the_same_words_are_two(circle: Circle, bank: str) -> None:
    one, other = (circle.confirmation_of(bank, circle.paid(bank)) for _ in range(2))
    now = datetime.now(UTC)
    assert find_reference(one.reference, now) == find_reference(other.reference, now) == ORDER
    assert one.event_id != other.event_id
    assert one.bank_transaction_id != other.bank_transaction_id


@pytest.mark.parametrize("bank", TELLING)
def test_altered_and_old_messages_are_rejected(circle: Circle, bank: str) -> None:
    payment = circle.paid(bank)
    with pytest.raises(CallbackRejected):
        circle.adapters[bank].read_callback(circle.message(bank, payment, spoilt=True))
    with (
        circle.server.banks[bank].book.at(datetime.now(UTC) - timedelta(days=2)),
        pytest.raises(CallbackRejected),
    ):
        circle.confirmation_of(bank, payment)


@pytest.mark.parametrize("bank", TELLING)
def test_the_hubs_words_end_the_retries_or_not(circle: Circle, bank: str) -> None:
    message = circle.message(bank, circle.paid(bank))
    for answer in Answer:
        reply: CallbackReply = circle.adapters[bank].acknowledge(answer, message)
        accepted = circle.server.banks[bank].accepts(WireReply(reply.status, reply.body))
        assert accepted is (answer is not Answer.NOT_RECORDED)


def test_success_must_be_said(circle: Circle) -> None:
    simulator = circle.server.banks["sepay"]
    for body in (b"", b"{}", b'{"success": false}', b"[]", b"1"):
        assert not simulator.accepts(WireReply(200, body))


@pytest.mark.parametrize("bank", [*TELLING, "vietqr"])
def test_nothing_is_said_of_what_did_not_come(circle: Circle, bank: str) -> None:
    payment = circle.paid(bank, "undecided")
    assert circle.server.banks[bank].callbacks(payment) == []
    assert circle.server.banks[bank].callbacks(replace(payment, outcome="DECLINED")) == []
