"""Text and queries that break others: naughty strings, invisible marks, a body that never says its length."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from payment_hub.hub import Hub
from tests.web.conftest import FINE, Asker, an_app

CORPORA: Final = Path(__file__).parent / "corpora"
NAUGHTY: Final = json.loads((CORPORA / "naughty_strings.json").read_text())


@pytest.fixture
def app(hub: Hub) -> Flask:
    """The app with room for many requests."""
    return an_app(hub, requests_per_minute=10**7)


def test_naughty_strings_are_stored_as_they_are_or_refused(agency: Asker) -> None:
    assert len(NAUGHTY) > 450
    stored = {}
    for number, naughty in enumerate(NAUGHTY):
        answer = agency.post("/v1/obligations", FINE | {"reference": f"N-{number}", "payer_name": naughty})
        assert answer.status_code in (201, 422), (naughty, answer.text)
        if answer.status_code == 201:
            stored[f"N-{number}"] = unicodedata.normalize("NFC", naughty).strip()
    shown = (agency.get("/v1/obligations?limit=500").json or {})["items"]
    assert {item["reference"]: item["payer_name"] for item in shown} == stored
    assert len(stored) > 200


def test_a_long_body_in_chunks_is_refused_and_not_cut_off(client: FlaskClient, agency: Asker) -> None:
    start = json.dumps(FINE).encode()
    body = start + b" " * (64 * 1024 - len(start)) + b"}"
    sent = {
        "Authorization": f"Bearer {agency.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "k",
        "Transfer-Encoding": "chunked",
    }
    answer = client.post(
        "/v1/obligations",
        headers=sent,
        input_stream=io.BytesIO(body),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413, answer.text


def test_text_with_invisible_marks_is_refused(agency: Asker) -> None:
    for mark in ("\u202e", "\u2066", "\ufeff", "\x1b", "\x85", "\n", "\u200f"):
        answer = agency.post("/v1/obligations", FINE | {"payer_name": f"A{mark}B"})
        assert answer.status_code == 422
        assert answer.json is not None
        assert [wrong["pointer"] for wrong in answer.json["errors"]] == ["/payer_name"]


QUERIES: Final = (
    "limit=1&limit=2", "unknown=1", "limit=0", "limit=1.0", "limit=%2B1", "limit=1e2", "limit=%D9%A1", "limit=",
    "after=%00", "after=%ff", "status=paid", "issued_from=2026-03-02", "agency[]=x", "limit=true", "limit=501",
    "after=c", "after=zz", "issued_from=2026-02-30T00:00:00Z",
)  # fmt: skip


def test_a_doubtful_query_is_refused(portal: Asker) -> None:
    for query in QUERIES:
        answer = portal.get(f"/v1/payment-orders?{query}")
        assert answer.status_code == 422, (query, answer.text)
        assert answer.json is not None
        assert answer.json["errors"], query


def test_a_query_where_none_is_read_is_refused(portal: Asker) -> None:
    assert portal.get("/v1/payment-orders/DV0000000000000A?status=PAID").status_code == 422
