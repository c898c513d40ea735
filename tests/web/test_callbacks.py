"""Callbacks of banks: what is answered, and only after the commit."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from bank_adapters.toolkit import standard_webhooks
from payment_hub.hub import Hub
from tests.web.conftest import an_app
from tests.worlds.orders import a_portal, an_agency, an_order


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def _said(reference: str, **more: Any) -> bytes:
    said = {
        "type": "payment.result",
        "reference": reference,
        "status": "PAID",
        "amount": "150000",
        "currency": "VND",
        "transaction_id": "T1",
        "paid_at": "2026-03-02T03:00:00Z",
    }
    return json.dumps(said | more).encode()


def _signed(hub: Hub, body: bytes, message_id: str = "m1") -> dict[str, str]:
    secret = hub.adapters["sandbox"].settings.secret  # type: ignore[attr-defined]
    headers = standard_webhooks.sign(secret, message_id=message_id, sent_at=hub.now(), body=body)
    return dict(headers) | {"Content-Type": "application/json"}


def _rows(hub: Hub, table: str) -> int:
    with hub.transaction() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}")) or 0


def test_a_signed_callback_is_answered_in_the_banks_words(
    client: FlaskClient, hub: Hub, reference: str
) -> None:
    body = _said(reference)
    first = client.post("/callbacks/sandbox", data=body, headers=_signed(hub, body))
    again = client.post("/callbacks/sandbox", data=body, headers=_signed(hub, body))
    assert (first.status_code, first.json) == (200, {"result": "RECORDED"})
    assert (again.status_code, again.json) == (200, {"result": "ALREADY_RECORDED"})
    assert _rows(hub, "receipt") == _rows(hub, "collection") == 1


def test_any_changed_bit_of_the_body_is_refused_without_saying_why(
    client: FlaskClient, hub: Hub, reference: str
) -> None:
    body = _said(reference)
    headers = _signed(hub, body)
    answers = set()
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 1
        answer = client.post(
            "/callbacks/sandbox", data=bytes(changed), headers=headers | {"X-Request-Id": "same"}
        )
        assert answer.status_code == 401
        answers.add(answer.data)
    assert len(answers) == 1
    assert "detail" not in json.loads(answers.pop())
    assert _rows(hub, "confirmation") == 0


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_form_of_a_wrong_header_is_refused(
    client: FlaskClient, hub: Hub, reference: str, name: str
) -> None:
    body = _said(reference)
    right = _signed(hub, body)
    wrongs = (
        None, "", " ", "v1", "v1,", ",", "v1,,", "v1,=", "v1,é", "v1a," + right["webhook-signature"][3:],
        right[name] + "x", right[name][:-2], right[name].upper() + "\t", "9" * 5000, "-1", "1_0", "a.b",
    )  # fmt: skip
    for wrong in wrongs:
        headers = {**right, name: wrong.encode().decode("latin-1")} if wrong is not None else {**right}
        if wrong is None:
            del headers[name]
        answer = client.post("/callbacks/sandbox", data=body, headers=headers)
        assert answer.status_code == 401, (name, wrong)
        assert answer.content_type == "application/problem+json"
    assert _rows(hub, "confirmation") == 0


def test_other_ways_of_sending_the_same_are_refused(client: FlaskClient, hub: Hub, reference: str) -> None:
    body = _said(reference)
    headers = _signed(hub, body)
    assert client.get("/callbacks/sandbox", headers=headers).status_code == 401
    assert client.post("/callbacks/sandbox?x=1", data=body, headers=headers).status_code == 401
    assert client.post("/callbacks/sandbox", data=body + b" ", headers=headers).status_code == 401
    assert client.put("/callbacks/sandbox", data=body, headers=headers).status_code == 405
    assert client.post("/callbacks/sandbox", data=b"x" * 262_145, headers=headers).status_code == 413
    assert client.post("/callbacks/otherbank", data=body, headers=headers).status_code == 404


def test_without_a_database_the_bank_is_told_to_come_again(hub: Hub) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    lost = dataclasses.replace(hub, engine=away, sessions=sessionmaker(away))
    client = an_app(lost).test_client()
    body = _said("DV0000000000000A")
    answer = client.post("/callbacks/sandbox", data=body, headers=_signed(hub, body))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    forged = client.post("/callbacks/sandbox", data=b"{}", headers=_signed(hub, body))
    assert forged.status_code in (401, 503)


def test_callbacks_are_never_rationed(hub: Hub, reference: str) -> None:
    client = an_app(hub, requests_per_minute=1).test_client()
    for _ in range(5):
        assert client.post("/callbacks/sandbox", data=b"{}").status_code == 401
    body = _said(reference)
    assert client.post("/callbacks/sandbox", data=body, headers=_signed(hub, body)).status_code == 200
