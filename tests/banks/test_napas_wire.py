"""Napas's wire vector, and the conversation with its simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.napas import NapasSimulator
from bank_adapters.simulators.server import serve, settings_of
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, NOON, a_request

(VECTOR,) = json.loads((Path(__file__).parent / "vectors/napas/signatures.json").read_text("utf-8"))


def bank_of(folder: Path) -> Any:
    """The adapter with the secret of the vector."""
    section = {
        "URL": "https://napas.test/api",
        "CLIENT_ID": "HUBTEST",
        "SECRET": VECTOR["secret"],
        "LOGIN": "hubtest",
        "PASSWORD_SECRET": "hub-napas-test-password",
        "PAGE_URL": "https://pay.agency.test/napas#{fields}",
        "STATEMENTS": str(folder),
    }
    return load_adapters(["napas"], {"napas": section})["napas"]


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_vectors_checksum_is_believed_and_its_data_says_nothing(tmp_path: Path, case: Any) -> None:
    """Malformed is said of a genuine message alone; one bit more and it is rejected."""
    fields = {"data": VECTOR["inputs"]["data"], "checksum": case(VECTOR["expected"])}
    with pytest.raises(Malformed):
        bank_of(tmp_path).read_callback(told(fields))
    with pytest.raises(CallbackRejected):
        bank_of(tmp_path).read_callback(told({**fields, "data": f"{fields['data']}="}))


def test_both_sides_understand_each_other(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[NapasSimulator], statements=tmp_path) as server:
        section = settings_of([NapasSimulator], server.url, tmp_path)["napas"]
        adapter: Any = load_adapters(["napas"], {"napas": section})["napas"]
        simulator = server.banks["napas"]
        page = adapter.open_payment(a_request()).page_url
        arrived = requests.get(page, timeout=5)
        assert arrived.url == f"{server.url}/napas/pay/{ATTEMPT}"
        assert requests.get(page.replace("orderAmount=150000", "orderAmount=1"), timeout=5).status_code == 404
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        simulator.book.settle(payment, "PAID", notify=False)
        (callback,) = simulator.callbacks(payment)
        said = adapter.read_callback(CallbackRequest("POST", "/", b"", callback.headers, callback.body, NOON))
        assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, dong(150_000), ATTEMPT)
        assert said.bank_transaction_id == payment.transaction_id


def told(fields: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("POST", "/callbacks/napas", b"", {}, json.dumps(fields).encode(), NOON)
