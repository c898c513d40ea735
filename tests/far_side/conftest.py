"""The desk with two made-up rails, and a hub that only listens."""

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
from bank_adapters.far_side.desk import Desk, FarSide, Payment, Refund, WireReply, WireRequest
from bank_adapters.far_side.desk_server import House, serve
from payment_hub.domain.money import dong
from tests.bank_adapters.examples import a_request
from tests.far_side.listener import Listener, listening
from tests.far_side.mekong import MekongFarSide

REFERENCE = a_request().attempt_reference


class PatientFarSide(MekongFarSide):
    """Hears nothing but a yes, tells of refunds, has a file of each day, bills, and a page to which one goes signed."""

    name = "patient"

    def heard(self, reply: WireReply) -> bool:
        return bool(json.loads(reply.body)["yes"])

    def opening_page(self, request: WireRequest) -> Payment | None:
        if request.path == "/go" and request.query == b"mark=right":
            return self.desk.remember(Payment("gone/there", 1000))
        return None

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        return "".join(f"{day};{one.reference};{one.amount}\n" for one in payments)

    def pay_bill(self, bill_code: str) -> Payment | None:
        return self.desk.remember(Payment(bill_code, 2000)) if bill_code == "B1" else None

    def refund_notices(self, payment: Payment, refund: Refund) -> list[WireRequest]:
        body = f"{payment.reference} {refund.reference} {refund.state}".encode()
        return [WireRequest("GET", "/refunds", b"told=%s" % refund.state.encode(), {}, body)]


@dataclass
class Stage:
    """The far side, and a hub that listens."""

    house: House
    hub: Listener

    def opened(self, amount: int = 150_000) -> str:
        """A payment that the adapter opened; the address of its page."""
        told = MekongFarSide.settings(f"{self.house.url}/mekong", Path("/nowhere"))
        adapter = load_adapters(["mekong"], {"mekong": told}, self.hub.url)["mekong"]
        page = adapter.open_payment(replace(a_request(), amount=dong(amount))).page_url
        assert page is not None
        return page

    def chosen(self, page: str, choice: str, status: int = 200) -> dict[str, Any]:
        """What became of it."""
        answer = requests.post(page, {"choice": choice}, headers={"Accept": "application/json"}, timeout=5)
        assert answer.status_code == status, answer.text
        self.house.wait_until_told()
        now = requests.get(page, headers={"Accept": "application/json"}, timeout=5).json()
        return {**answer.json(), **now}

    def bodies(self) -> list[dict[str, Any]]:
        """What the hub heard."""
        return [json.loads(body) for _, _, _, body in self.hub.heard]

    def rail(self, name: str) -> Desk:
        """The memory of a rail."""
        return self.house.rails[name].desk


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Everything quick."""
    rails: list[type[FarSide]] = [MekongFarSide, PatientFarSide]
    with listening() as hub, serve(hub.url, pace=1000, rails=rails, statements=tmp_path) as house:
        yield Stage(house, hub)
