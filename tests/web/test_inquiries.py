"""Banks that query us before they take money: answered in their own protocol, and nothing for anybody else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
from werkzeug.test import TestResponse

from bank_adapters import load_adapters
from payment_hub.hub import Hub
from tests.web.conftest import an_app
from tests.worlds.orders import a_portal, an_agency, an_order

BEARER = {"Authorization": "Bearer token-of-the-bank", "Content-Type": "application/json"}


@pytest.fixture
def hub(hub: Hub, tmp_path: Path) -> Hub:
    """The hub with a bank that asks, beside the one that never does."""
    section = {
        "SERVICE_ID": "HUB001",
        "SECRET": "secret-of-the-bank",
        "TOKEN_SECRET": "token-of-the-bank",
        "STATEMENTS": str(tmp_path),
    }
    return dataclasses.replace(hub, adapters={**hub.adapters, **load_adapters(["bidv"], {"bidv": section})})


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def asked(customer: str) -> bytes:
    checksum = hashlib.md5(f"secret-of-the-bankHUB001{customer}".encode()).hexdigest()
    return json.dumps({"customer_id": customer, "service_id": "HUB001", "checksum": checksum}).encode()


def ask(client: FlaskClient, customer: str, **headers: str) -> TestResponse:
    return client.post("/callbacks/bidv/inquiry", data=asked(customer), headers=BEARER | headers)


def test_a_stranger_learns_nothing(client: FlaskClient, hub: Hub, reference: str) -> None:
    for answer in (
        client.get("/callbacks/bidv/inquiry"),
        client.get(f"/callbacks/bidv/inquiry?customer_id={reference}"),
        client.post("/callbacks/bidv/inquiry", data=asked(reference)),
        ask(client, reference, Authorization="Bearer other"),
        client.post(
            "/callbacks/bidv/inquiry", data=asked(reference).replace(b"HUB001", b"HUB002"), headers=BEARER
        ),
        client.post("/callbacks/bidv/inquiry", data=b"\xff" * 1000, headers=BEARER),
    ):
        assert answer.status_code == 400
        assert set(json.loads(answer.data)) == {"result_code", "result_desc"}
        assert reference not in answer.text
        assert "150000" not in answer.text
    with hub.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM callback")) == 0


def test_a_bank_that_never_asks_has_no_such_address(client: FlaskClient, reference: str) -> None:
    for bank in ("sandbox", "nobody"):
        answer = client.post(f"/callbacks/{bank}/inquiry", data=asked(reference), headers=BEARER)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_other_ways_of_asking_are_refused(client: FlaskClient, reference: str) -> None:
    assert client.put("/callbacks/bidv/inquiry", data=asked(reference)).status_code == 405
    assert client.post("/callbacks/bidv/inquiry", data=b"x" * 262_145).status_code == 413
    assert (
        client.post("/callbacks/bidv/inquiry?x=1", data=asked(reference), headers=BEARER).status_code == 400
    )


def test_without_a_database_nothing_is_payable(hub: Hub, reference: str) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    lost = dataclasses.replace(hub, engine=away, sessions=sessionmaker(away))
    answer = ask(an_app(lost).test_client(), reference)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_is_due_is_told_in_the_banks_words(client: FlaskClient, reference: str) -> None:
    answer = ask(client, reference)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    said = json.loads(answer.data)
    assert (said["result_code"], said["customer_name"]) == ("000", "Nguyễn Thị Hường")
    assert said["data"] == {"type": 1, "amount": "150000", "bill_id": reference}
    assert json.loads(ask(client, "DV5N71C6W000000N").data)["result_code"] == "011"


def test_what_was_asked_and_then_paid_is_paid_once(client: FlaskClient, reference: str) -> None:
    bill = json.loads(ask(client, reference).data)["data"]
    checksum = hashlib.md5(f"secret-of-the-bankBIDV000001{reference}150000".encode()).hexdigest()
    paid = {
        "trans_id": "BIDV000001",
        "trans_date": "20260302100000",
        "customer_id": reference,
        "service_id": "HUB001",
        "bill_id": bill["bill_id"],
        "amount": bill["amount"],
        "checksum": checksum,
    }
    codes = [client.post("/callbacks/bidv", data=json.dumps(paid), headers=BEARER).json for _ in range(2)]
    assert [code and code["result_code"] for code in codes] == ["000", "023"]
    assert json.loads(ask(client, reference).data)["result_code"] == "012"


def test_inquiries_are_never_rationed_and_are_counted(hub: Hub, reference: str) -> None:
    client = an_app(hub, requests_per_minute=1).test_client()
    assert [ask(client, reference).status_code for _ in range(4)] == [200] * 4
    figures = client.get("/metrics", headers={"Authorization": "Bearer watch"}).text
    assert 'hub_requests_total{method="POST",route="/callbacks/<bank>/inquiry",status="200"}' in figures
