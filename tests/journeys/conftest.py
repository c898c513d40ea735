"""A whole hub for a story: real web server, real bank on the other side, a portal that listens, the real clock."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import Engine
from werkzeug.serving import make_server

from bank_adapters import load_adapters, load_terms
from bank_adapters.simulators import server as simulator_server
from bank_adapters.simulators.server import SimulatorServer, settings_of
from bank_adapters.simulators.simulator import Simulator
from payment_hub.app import create_app
from payment_hub.demo.portal import Portal, running_portal
from payment_hub.domain.access import Role
from payment_hub.domain.settlement import Source
from payment_hub.embedded.ports import ANY, reserved_port
from payment_hub.hub import Hub, utc_now
from payment_hub.operations.access import add_agency, add_portal, make_key
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.health import check_invariants
from payment_hub.settings import Settings
from reconciliation import app as reconciliation
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from tests.simulators.sandbox import serve

SECRET = "whsec_" + base64.b64encode(b"b" * 32).decode()
VNPAY_SECRET = "VNPAYSECRETVNPAYSECRET"
POLICE = "G01.25"


@dataclass(frozen=True)
class Caller:
    """A holder of a key, speaking over HTTP."""

    url: str
    key: str

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(self.url + path, params=query, headers=self._head(), timeout=10)

    def post(self, path: str, body: Any, key: str | None = None) -> requests.Response:
        head = {**self._head(), "Idempotency-Key": key or str(uuid.uuid4())}
        return requests.post(self.url + path, json=body, headers=head, timeout=10)

    def put(self, path: str, body: Any) -> requests.Response:
        return requests.put(self.url + path, json=body, headers=self._head(), timeout=10)

    def _head(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True)
class World:
    """Everybody in a story."""

    hub: Hub
    books: Books
    app: Flask
    url: str
    bank: Any
    receiver: Portal
    agency: Caller
    portal: Caller
    officer: Caller
    second_officer: Caller
    ledgers: Path
    environment: dict[str, str]
    """What another process of the same hub is to be told."""
    simulators: SimulatorServer | None = None
    """The trial banks, in a world that has them."""

    def an_order(self, amount: int, reference: str = "QD-1") -> dict[str, Any]:
        """A registered fine and the portal's order for it."""
        registered = self.agency.post("/v1/obligations", a_fine(amount, reference))
        assert registered.status_code == 201, registered.text
        issued = self.portal.post("/v1/payment-orders", {"agency": POLICE, "obligation": reference})
        assert issued.status_code == 201, issued.text
        order: dict[str, Any] = issued.json()
        return order

    def started(self, order: dict[str, Any], bank: str = "sandbox") -> dict[str, Any]:
        """The attempt at paying it through a bank."""
        answer = self.portal.post(f"/v1/payment-orders/{order['reference']}/attempts", {"bank": bank})
        assert answer.status_code == 201, answer.text
        attempt: dict[str, Any] = answer.json()
        return attempt

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order as it stands now."""
        now: dict[str, Any] = self.portal.get(f"/v1/payment-orders/{order['reference']}").json()
        return now


def a_fine(amount: int, reference: str) -> dict[str, Any]:
    """What the police state of a fine."""
    return {
        "agency": POLICE,
        "reference": reference,
        "kind": "traffic_fine",
        "amount": {"amount": str(amount), "currency": "VND"},
        "payer_name": "Nguyễn Thị Hường",
        "identifiers": {"decision_number": "0815/QD-XPHC", "decided_on": "2026-11-10"},
        "description": "Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
        "due_on": "2027-12-31",
        "beneficiary": {
            "account_number": "7111000000001",
            "bank": "970436",
            "account_name": "KHO BAC NHA NUOC",
            "treasury_chapter": "009",
            "treasury_sub_item": "4252",
        },
    }


@pytest.fixture
def world(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[World]:
    """The whole hub with everybody around it; the invariants must hold when the story has ended."""
    del engine  # its tables are empty now
    with a_world(database_url, tmp_path) as everybody:
        yield everybody


@contextmanager
def world_of(
    simulators: Sequence[type[Simulator]], database_url: str, folder: Path, pace: float
) -> Iterator[World]:
    """The whole hub with these trial banks instead of the usual banks; ``pace`` divides their waits."""
    statements = folder / "statements"
    with (
        reserved_port(ANY) as port,
        simulator_server.serve(
            f"http://127.0.0.1:{port}", pace=pace, simulators=simulators, statements=statements
        ) as server,
    ):
        told = {"HUB_ENABLED_BANKS": " ".join(one.name for one in simulators)}
        for simulator, section in settings_of(simulators, server.url, statements).items():
            told |= {f"BANK_{simulator.upper()}_{name}": value for name, value in section.items()}
        with a_world(database_url, folder, port, told) as everybody:
            yield replace(everybody, simulators=server)


@contextmanager
def a_world(
    database_url: str, folder: Path, port: int | None = None, told: Mapping[str, str] | None = None
) -> Iterator[World]:
    """Everybody, on an empty database; ``told`` goes before the usual settings."""
    drop = folder / "ledgers"
    drop.mkdir()
    with (
        nullcontext(port) if port else reserved_port(ANY) as here,
        serve(SECRET) as bank,
        running_portal() as receiver,
    ):
        environment = {**_environment(database_url, here, bank.url, drop), **(told or {})}
        settings = Settings.from_environ(environment)
        adapters = load_adapters(settings.enabled_banks, settings.banks, settings.public_url)
        hub = Hub.of(settings, adapters, utc_now, load_terms(settings.enabled_banks, settings.banks))
        books = Books(hub, CsvDrop(drop), partial(receive_confirmation, hub, source=Source.STATEMENT))
        app = create_app(settings, hub, blueprints=reconciliation.BLUEPRINTS)
        reconciliation.attach(app, books)
        receiver.public_key = hub.signer.public_keys()[0]
        with _serving(app, here) as url:
            yield _cast(hub, books, app, url, bank, receiver, drop, environment)
        assert check_invariants(hub) == []
        hub.engine.dispose()


def _cast(
    hub: Hub,
    books: Books,
    app: Flask,
    url: str,
    bank: Any,
    receiver: Portal,
    drop: Path,
    environment: dict[str, str],
) -> World:
    add_agency(
        hub,
        code=POLICE,
        name="Phòng Cảnh sát giao thông",
        account_number="7111000000001",
        account_bank="970436",
        account_name="KBNN",
        receipt_series="AA26E",
    )
    add_portal(hub, code="dvc", name="Cổng", webhook_url=receiver.url)
    return World(
        hub=hub,
        books=books,
        app=app,
        url=url,
        bank=bank,
        receiver=receiver,
        agency=Caller(url, make_key(hub, role=Role.AGENCY, holder="police", agency_code=POLICE)),
        portal=Caller(url, make_key(hub, role=Role.PORTAL, holder="portal", portal_code="dvc")),
        officer=Caller(url, make_key(hub, role=Role.OFFICER, holder="Lan")),
        second_officer=Caller(url, make_key(hub, role=Role.OFFICER, holder="Minh")),
        ledgers=drop,
        environment=environment,
    )


def _environment(database_url: str, port: int, bank_url: str, drop: Path) -> dict[str, str]:
    return {
        "HUB_DATABASE_URL": database_url,
        "HUB_BROKER_URL": "memory://",
        "HUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HUB_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
        "HUB_SIGNING_KEY": base64.b64encode(b"s" * 32).decode(),
        "HUB_ENABLED_BANKS": "sandbox vnpay",
        "HUB_ALLOW_LOOPBACK_WEBHOOKS": "1",
        "HUB_DATABASE_POOL": "12",
        "HUB_LEDGER_DROP": str(drop),
        "BANK_SANDBOX_URL": bank_url,
        "BANK_SANDBOX_SECRET": SECRET,
        "BANK_SANDBOX_READ_SECONDS": "2",
        "BANK_VNPAY_PAY_URL": "https://pay.example/vpcpay.html",
        "BANK_VNPAY_API_URL": f"{bank_url}/nobody",
        "BANK_VNPAY_TMN_CODE": "HUBTEST1",
        "BANK_VNPAY_SECRET": VNPAY_SECRET,
        "BANK_VNPAY_STATEMENTS": str(drop),
    }


@contextmanager
def _serving(app: Flask, port: int) -> Iterator[str]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
