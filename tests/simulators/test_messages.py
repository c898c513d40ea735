"""Every simulator signs what a test needs: a callback at a given moment, with any field replaced before the signing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.simulators.sandbox import SandboxSimulator
from bank_adapters.simulators.server import find_simulators
from bank_adapters.simulators.simulator import OMITTED, Payment, Simulator, WireRequest
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, NOON, ORDER

HUB = "http://127.0.0.1:9"
OPENED: dict[str, Any] = {
    "order_reference": ORDER,
    "billcode": ORDER,
    "customer_id": ORDER,
    "requestId": f"{ATTEMPT}.create",
    "orderInfo": "Le phi",
    "extraData": "",
    "ipnUrl": f"{HUB}/callbacks/momo",
    "vpc_OrderInfo": ORDER,
    "vnp_OrderInfo": "Le phi",
    "day": "261122",
    "app_time": int(NOON.timestamp()) * 1000,
    "app_user": "hub",
    "embed_data": "{}",
    "item": "[]",
}
#: Bank -> where the amount stands in its callback, and how 160,000 dong are written there.
AMOUNTS: dict[str, tuple[str, Any]] = {
    "bidv": ("amount", "160000"),
    "casso": ("amount", 160_000),
    "momo": ("amount", 160_000),
    "onepay": ("vpc_Amount", "16000000"),
    "paymentplatform": ("SoTien", 160_000),
    "payos": ("amount", 160_000),
    "sandbox": ("amount", "160000"),
    "sepay": ("transferAmount", 160_000),
    "shopeepay": ("amount", 16_000_000),
    "viettelmoney": ("trans_amount", "160000"),
    "vnpay": ("vnp_Amount", "16000000"),
    "vnpayqr": ("amount", "160000"),
    "zalopay": ("amount", 160_000),
}
BY_NAME = {kind.name: kind for kind in find_simulators()}


def made(bank: str, folder: Path) -> tuple[Simulator, Any, Payment]:
    """The simulator without a server, the adapter that trusts it, and a payment."""
    kind = BY_NAME[bank]
    adapter = load_adapters([bank], {bank: kind.settings(f"{HUB}/{bank}", folder)}, HUB)[bank]
    reference = {"payos": "4711", "bidv": ORDER}.get(bank, ATTEMPT)
    return kind(f"{HUB}/{bank}", HUB), adapter, Payment(reference, 150_000, dict(OPENED))


def as_received(callback: WireRequest, moment: datetime) -> CallbackRequest:
    """The callback as the hub's address receives it."""
    path = callback.path.removeprefix(HUB)
    return CallbackRequest(callback.method, path, callback.query, callback.headers, callback.body, moment)


@pytest.mark.parametrize("bank", AMOUNTS)
def test_a_callback_is_genuine_at_its_moment_with_the_fields_that_a_test_sets(
    bank: str, tmp_path: Path
) -> None:
    simulator, adapter, payment = made(bank, tmp_path)
    plain = simulator.callback(payment, at=NOON)
    confirmation = adapter.read_callback(as_received(plain, NOON))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.PAID, dong(150_000))
    assert payment.outcome == "PENDING"
    field, value = AMOUNTS[bank]
    changed = simulator.callback(payment, at=NOON, **{field: value})
    assert adapter.read_callback(as_received(changed, NOON)).amount == dong(160_000)
    again = simulator.callback(replace(payment, transaction_id="7", paid_at=NOON), at=NOON)
    assert again == simulator.callback(replace(payment, transaction_id="7", paid_at=NOON), at=NOON)


@pytest.mark.parametrize("bank", sorted(name for name in AMOUNTS if BY_NAME[name].dated))
def test_a_callback_of_two_days_ago_is_stale(bank: str, tmp_path: Path) -> None:
    simulator, adapter, payment = made(bank, tmp_path)
    with pytest.raises(CallbackRejected):
        adapter.read_callback(as_received(simulator.callback(payment, at=NOON - timedelta(days=2)), NOON))


def test_a_field_can_be_left_out_or_stand_inside_another(tmp_path: Path) -> None:
    simulator, adapter, payment = made("sandbox", tmp_path)
    with pytest.raises(Malformed, match="amount"):
        adapter.read_callback(as_received(simulator.callback(payment, at=NOON, amount=OMITTED), NOON))
    napas, reader, _ = made("napas", tmp_path)
    other = napas.callback(payment, at=NOON, **{"paymentResult.order.id": "another"})
    assert reader.read_callback(as_received(other, NOON)).reference == "another"


def test_an_answer_is_signed_at_its_moment_with_the_fields_that_a_test_sets(tmp_path: Path) -> None:
    simulator, _, payment = made("sandbox", tmp_path)
    assert isinstance(simulator, SandboxSimulator)
    simulator.book.remember(payment)
    with simulator.book.at(NOON):
        request = WireRequest("GET", f"/payments/{ATTEMPT}", headers=simulator.headers("ask_1", b""))
    reply = simulator.answer(request, at=NOON, status="PAID")
    assert (reply.status, b'"status": "PAID"' in reply.body) == (200, True)
    with simulator.book.at(NOON):
        assert simulator.is_genuine(WireRequest("", "", headers=reply.headers, body=reply.body))
    assert simulator.answer(request, at=datetime.now(UTC) + timedelta(days=900)).status == 401


def test_a_bank_that_sends_nothing_of_an_outcome_has_no_callback(tmp_path: Path) -> None:
    simulator, _, payment = made("zalopay", tmp_path)
    with pytest.raises(LookupError, match="zalopay sends nothing"):
        simulator.callback(payment, "DECLINED")
