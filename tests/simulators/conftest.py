"""The simulator with two made-up banks, and a hub that only listens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.server import SimulatorServer, serve
from bank_adapters.simulators.simulator import Book, Payment, Refund, Simulator, WireReply, WireRequest
from payment_hub.domain.money import dong
from tests.banks.examples import a_request
from tests.simulators.listener import Listener, listening
from tests.simulators.mekong import MekongSimulator

REFERENCE = a_request().attempt_reference


class PatientSimulator(MekongSimulator):
    """Hears nothing but a yes, tells of refunds, has a file of each day, bills, and a page to which one goes signed."""

    name = "patient"

    def accepts(self, reply: WireReply) -> bool:
        return bool(json.loads(reply.body)["yes"])

    def opening_page(self, request: WireRequest) -> Payment | None:
        if request.path == "/go" and request.query == b"mark=right":
            return self.book.remember(Payment("gone/there", 1000))
        return None

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        return "".join(f"{day};{one.reference};{one.amount}\n" for one in payments)

    def pay_bill(self, bill_code: str) -> Payment | None:
        return self.book.remember(Payment(bill_code, 2000)) if bill_code == "B1" else None

    def refund_callbacks(self, payment: Payment, refund: Refund) -> list[WireRequest]:
        body = f"{payment.reference} {refund.reference} {refund.state}".encode()
        return [WireRequest("GET", "/refunds", b"told=%s" % refund.state.encode(), {}, body)]


@dataclass
class Stage:
    """The simulator, and a hub that listens."""

    server: SimulatorServer
    hub: Listener

    def opened(self, amount: int = 150_000) -> str:
        """A payment that the adapter opened; the address of its page."""
        told = MekongSimulator.settings(f"{self.server.url}/mekong", Path("/nowhere"))
        adapter = load_adapters(["mekong"], {"mekong": told}, self.hub.url)["mekong"]
        page = adapter.open_payment(replace(a_request(), amount=dong(amount))).page_url
        assert page is not None
        return page

    def chosen(self, page: str, choice: str, status: int = 200) -> dict[str, Any]:
        """What became of it."""
        answer = requests.post(page, {"choice": choice}, headers={"Accept": "application/json"}, timeout=5)
        assert answer.status_code == status, answer.text
        self.server.wait_until_delivered()
        now = requests.get(page, headers={"Accept": "application/json"}, timeout=5).json()
        return {**answer.json(), **now}

    def bodies(self) -> list[dict[str, Any]]:
        """What the hub heard."""
        return [json.loads(body) for _, _, _, body in self.hub.received]

    def simulator(self, name: str) -> Book:
        """The memory of a bank."""
        return self.server.banks[name].book


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Everything quick."""
    simulators: list[type[Simulator]] = [MekongSimulator, PatientSimulator]
    with listening() as hub, serve(hub.url, pace=1000, simulators=simulators, statements=tmp_path) as server:
        yield Stage(server, hub)
