"""VNPAY-QR's adapter and its simulator: the text is scanned and paid over real HTTP, the message verified."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.server import SimulatorServer, serve, settings_of
from bank_adapters.simulators.simulator import Payment, WireReply
from bank_adapters.simulators.vnpayqr import VnpayQrSimulator
from bank_adapters.vnpayqr import VnpayQr
from payment_hub.domain.banks.values import Answer, CallbackRequest, Outcome
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_request

NOBODY = "http://127.0.0.1:9"


def joined_to(server: SimulatorServer, folder: Path) -> VnpayQr:
    """The adapter with the simulator's settings."""
    section = settings_of([VnpayQrSimulator], server.url, folder)["vnpayqr"]
    adapter = load_adapters(["vnpayqr"], {"vnpayqr": section})["vnpayqr"]
    assert isinstance(adapter, VnpayQr)
    return adapter


def paid(server: SimulatorServer, qr_text: str | None, choice: str = "silent") -> requests.Response:
    """A banking app scans the text and pays."""
    given = {"qr_text": qr_text, "choice": choice}
    return requests.post(
        f"{server.url}/vnpayqr/transfer", json=given, headers={"Accept": "application/json"}, timeout=5
    )


def test_a_text_of_ours_is_scanned_paid_and_told(tmp_path: Path) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        adapter, simulator = joined_to(server, tmp_path), server.banks["vnpayqr"]
        text = adapter.open_payment(a_request()).qr_text
        assert paid(server, text).json()["outcome"] == "PAID"
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        (callback,) = simulator.callbacks(payment)
        assert simulator.callbacks(payment) == [callback]
        request = CallbackRequest(
            callback.method, "/callbacks/vnpayqr", callback.query, {}, callback.body, NOON
        )
        said = adapter.read_callback(request)
        assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, AMOUNT, ATTEMPT)
        assert said.bank_transaction_id == payment.transaction_id
        for answer in Answer:
            reply = adapter.acknowledge(answer, request)
            accepted = simulator.accepts(WireReply(reply.status, reply.body))
            assert accepted is (answer is not Answer.NOT_RECORDED)
        day = date(2026, 11, 22)
        (tmp_path / "vnpayqr" / f"{day}.csv").write_text(simulator.statement(day, [payment]) or "", "utf-8")
        (line,) = adapter.fetch_statement(day).lines
        assert (line.reference, line.amount) == (ATTEMPT, AMOUNT)
        assert line.bank_transaction_id == said.bank_transaction_id


def test_another_merchants_text_is_not_paid_here(tmp_path: Path) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        section = settings_of([VnpayQrSimulator], server.url, tmp_path)["vnpayqr"]
        other = load_adapters(["vnpayqr"], {"vnpayqr": {**section, "MERCHANT_CODE": "0100000000"}})["vnpayqr"]
        assert paid(server, other.open_payment(a_request()).qr_text).status_code == 400
        assert server.banks["vnpayqr"].book.payments() == []


@pytest.mark.parametrize("outcome", ["PENDING", "DECLINED"])
def test_it_tells_of_money_alone(tmp_path: Path, outcome: str) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        simulator = server.banks["vnpayqr"]
        assert simulator.callbacks(Payment(ATTEMPT, 150_000, outcome=outcome)) == []
        assert simulator.accepts(WireReply(200, json.dumps({"code": "06"}).encode()))
        assert not simulator.accepts(WireReply(200, b"<html>"))
