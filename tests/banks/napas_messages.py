"""What Napas sends, made with Python's own hashlib, for the tests of the adapter."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import responses

from bank_adapters import load_adapters
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.values import CallbackRequest, Instructions, Outcome
from tests.banks.examples import ATTEMPT, NOON, TRANSACTION, a_request

API = "https://napas.test/api"
TOKEN, DATA_KEY = f"{API}/oauth/token", f"{API}/rest/version/32/merchant/HUBTEST/datakey"
SECRET = "hub-napas-test-client-secret"
RESULTS = {Outcome.PAID: "SUCCESS", Outcome.DECLINED: "FAILURE"}


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a client whose files are dropped into ``folder``."""
    return {
        "URL": API,
        "CLIENT_ID": "HUBTEST",
        "SECRET": SECRET,
        "LOGIN": "hubtest",
        "PASSWORD_SECRET": "hub-napas-test-password",
        "PAGE_URL": "https://pay.agency.test/napas#{fields}",
        "STATEMENTS": str(folder),
    }


def built(section: dict[str, str]) -> Any:
    """The adapter from a section of settings."""
    return load_adapters(["napas"], {"napas": section})["napas"]


def opened(adapter: BankAdapter) -> Instructions:
    """The instructions for ``a_request()`` from a Napas that answers."""
    with responses.RequestsMock() as wire:
        wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
        wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf/A=:MIIB+B"})
        return adapter.open_payment(a_request())


def a_result(**changes: Any) -> dict[str, Any]:
    """A payment of 150,000 dong as Napas says it, inside the envelope."""
    plain = {
        "apiOperation": "PAY",
        "merchantId": "HUBTEST",
        "order": {"id": ATTEMPT, "amount": "150000", "currency": "VND"},
        "response": {"acquirerCode": "00", "gatewayCode": "SUCCESS"},
        "result": "SUCCESS",
        "transaction": {"acquirer": {"transactionId": TRANSACTION}, "amount": "150000"},
    }
    return {"paymentResult": {name: value for name, value in (plain | changes).items() if value is not None}}


def envelope(said: object, secret: str = SECRET) -> dict[str, str]:
    data = base64.b64encode(json.dumps(said).encode()).decode()
    return {"data": data, "checksum": hashlib.sha256((data + secret).encode()).hexdigest().upper()}


def told(fields: object) -> CallbackRequest:
    return CallbackRequest("POST", "/callbacks/napas", b"", {}, json.dumps(fields).encode(), NOON)
