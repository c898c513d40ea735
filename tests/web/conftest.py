"""The app on the hub, and callers with real keys."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bank_adapters import load_adapters
from payment_hub.app import create_app
from payment_hub.domain.access import Role, Scope
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.access import make_key
from payment_hub.operations.confirmations import receive_confirmation
from reconciliation import app as reconciliation
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from tests.worlds import settings
from tests.worlds.orders import a_portal, an_agency

ENVIRON, SETTINGS = settings.ENVIRON, settings.SETTINGS

FINE: dict[str, Any] = {
    "agency": "G22.99",
    "reference": "XP/2026/0042",
    "kind": "traffic_fine",
    "amount": {"amount": "150000", "currency": "VND"},
    "payer_name": "Nguyễn Thị Hường",
    "identifiers": {"decision_number": "1234/QD-XPHC", "decided_on": "2026-02-27"},
    "description": "Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
    "due_on": "2026-03-12",
    "beneficiary": {
        "account_number": "7111000000001",
        "bank": "970436",
        "account_name": "KBNN HA NOI",
        "treasury_chapter": "009",
        "treasury_sub_item": "4252",
    },
}

_numbers = itertools.count(1)


@dataclass
class Asker:
    """A caller over HTTP, with a key of its own."""

    client: FlaskClient
    token: str

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET with the key."""
        return self.send("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> TestResponse:
        """POST a JSON body with the key and a fresh idempotency key."""
        headers = {"Idempotency-Key": f"k{next(_numbers)}"} | dict(more.pop("headers", {}))
        return self.send("POST", path, body, headers=headers, **more)

    def put(self, path: str, body: object = None, **more: Any) -> TestResponse:
        """PUT a JSON body with the key."""
        return self.send("PUT", path, body, **more)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        **more: Any,
    ) -> TestResponse:
        """Any request with the key, and JSON unless the body is bytes."""
        sent = {"Authorization": f"Bearer {self.token}"} | dict(headers)
        if body is not None:
            more["data"] = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent = {"Content-Type": "application/json"} | sent
        return self.client.open(path, method=method, headers=sent, **more)


@pytest.fixture
def hub(hub: Hub) -> Hub:
    """The hub with the sandbox bank, which nobody answers for."""
    return dataclasses.replace(hub, adapters=load_adapters(SETTINGS.enabled_banks, SETTINGS.banks))


@pytest.fixture
def app(hub: Hub) -> Flask:
    """The app with every door."""
    return an_app(hub)


def an_app(hub: Hub, **other: Any) -> Flask:
    """An app with every door of both packages, on other settings where said."""
    made = create_app(dataclasses.replace(SETTINGS, **other), hub, blueprints=reconciliation.BLUEPRINTS)
    confirm = partial(receive_confirmation, hub, source=Source.STATEMENT)
    reconciliation.attach(made, Books(hub, CsvDrop(None), confirm))
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody without a key."""
    return app.test_client()


@pytest.fixture
def agency(hub: Hub, asker: Callable[..., Asker]) -> Asker:
    """The system of agency G22.99."""
    an_agency(hub)
    return asker(Role.AGENCY, agency_code="G22.99")


@pytest.fixture
def portal(hub: Hub, asker: Callable[..., Asker]) -> Asker:
    """The system of portal dvc."""
    a_portal(hub)
    return asker(Role.PORTAL, portal_code="dvc")


@pytest.fixture
def operator(asker: Callable[..., Asker]) -> Asker:
    """An operator, who may do everything."""
    return asker(Role.OPERATOR)


@pytest.fixture
def asker(hub: Hub, client: FlaskClient) -> Callable[..., Asker]:
    """Makes callers with keys."""

    def make(role: Role, scopes: list[Scope] | None = None, **bound: Any) -> Asker:
        return Asker(
            client, make_key(hub, role=role, holder=f"{role.lower()} under test", scopes=scopes, **bound)
        )

    return make
