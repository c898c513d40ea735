"""Hostile bodies at every POST, PUT and callback: a 4xx problem, never a 5xx, and not one row written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from payment_hub.hub import Hub
from tests.web.conftest import FINE, Asker, an_app

CORPORA: Final = Path(__file__).parent / "corpora"
JSON_CASES: Final = json.loads((CORPORA / "json_test_suite.json").read_text())

JSON_TYPE: Final = {"Content-Type": "application/json"}
PLACES: Final[dict[str, Any]] = {
    "agency": "G22.99",
    "reference": "DV0000000000000A",
    "event_id": "evt_1",
    "refund_id": "R1",
    "number": 1,
    "bank": "sandbox",
    "token": "x" * 40,
}

RAW: Final[dict[str, tuple[bytes, dict[str, str]]]] = {
    "not JSON": (b"amount=1", JSON_TYPE),
    "5,000 digits": (b'{"minutes": ' + b"9" * 5000 + b"}", JSON_TYPE),
    "10,000 deep": (b"[" * 10_000, JSON_TYPE),
    "30,000 deep and closed": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, JSON_TYPE),
    "duplicate names": (b'{"reason": "a", "reason": "b"}', JSON_TYPE),
    "NUL": (b'{"reason": "a\\u0000"}', JSON_TYPE),
    "raw NUL": (b'{"reason": "a\x00"}', JSON_TYPE),
    "lone surrogate": (b'{"reason": "\\ud800"}', JSON_TYPE),
    "raw surrogate": (b'{"reason": "\xed\xa0\x80"}', JSON_TYPE),
    "NaN": (b'{"minutes": NaN}', JSON_TYPE),
    "huge exponent": (b'{"minutes": 1e400}', JSON_TYPE),
    "UTF-16": ('{"reason": "x"}'.encode("utf-16"), JSON_TYPE),
    "byte order mark": (b'\xef\xbb\xbf{"reason": "x"}', JSON_TYPE),
    "array": (b"[]", JSON_TYPE),
    "string": (b'"x"', JSON_TYPE),
    "null": (b"null", JSON_TYPE),
    "unknown field": (b'{"status": "PAID"}', JSON_TYPE),
    "text/plain": (b'{"reason": "x"}', {"Content-Type": "text/plain"}),
    "no content type": (b'{"reason": "x"}', {}),
    "form": (b"reason=x", {"Content-Type": "application/x-www-form-urlencoded"}),
    "multipart": (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    "other charset": (b'{"reason": "x"}', {"Content-Type": "application/json; charset=utf-16"}),
    "gzip": (gzip.compress(b'{"reason": "x"}'), JSON_TYPE | {"Content-Encoding": "gzip"}),
    "2 MB": (b'{"reason": "' + b"x" * 2_000_000 + b'"}', JSON_TYPE),
    "65 kB": (b'{"reason": "' + b"x" * 65_000 + b'"}', JSON_TYPE),
}


@pytest.fixture
def app(hub: Hub) -> Flask:
    """The app with room for many requests."""
    return an_app(hub, requests_per_minute=10**7)


@pytest.fixture
def nothing_written(hub: Hub, agency: Asker, operator: Asker) -> Iterator[None]:
    """Not one row more at the end. Of a message that is not a bank's a truncated copy is kept, marked so."""
    before = _rows(hub)
    yield
    assert _rows(hub) == before


def _rows(hub: Hub) -> dict[str, int]:
    with hub.transaction() as session:
        names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        seen = {name: session.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}
        seen["callback"] -= session.scalar(text("SELECT count(*) FROM callback WHERE NOT verified")) or 0
    return seen


def _writers(app: Flask) -> list[tuple[str, str]]:
    """Every method and address that takes a body, citizens' pages apart: their forms have a test of their own."""
    return [
        (method, _address(rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH"}
        if not rule.rule.startswith("/checkout")
    ]


def _address(rule: Rule) -> str:
    _, address = rule.build({name: PLACES[name] for name in rule.arguments}, append_unknown=False) or ("", "")
    return address.removeprefix("|")


def _send(operator: Asker, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
    sent = {"Authorization": f"Bearer {operator.token}", "Idempotency-Key": "k", "If-Match": '"1"'} | headers
    return operator.client.open(path, method=method, data=body, headers=sent)


def _require_problem(answer: Any, said: str) -> None:
    assert 400 <= answer.status_code < 500, f"{said}: {answer.status_code} {answer.text[:300]}"
    assert answer.content_type == "application/problem+json", said
    assert answer.json["type"].startswith("/problems/"), said


@pytest.mark.usefixtures("nothing_written")
def test_every_writing_address_refuses_every_raw_hostile_body(app: Flask, operator: Asker) -> None:
    writers = _writers(app)
    assert len(writers) >= 10
    for method, path in writers:
        for name, (body, headers) in RAW.items():
            _require_problem(_send(operator, method, path, body, headers), f"{method} {path}, {name}")


@pytest.mark.usefixtures("nothing_written")
def test_every_writing_address_refuses_the_whole_json_test_suite(app: Flask, operator: Asker) -> None:
    assert len(JSON_CASES) > 300
    for method, path in _writers(app):
        for case in JSON_CASES:
            body = case["input"].encode("utf-8", "surrogatepass")
            if body.strip() in (b"", b"{}"):
                continue  # an empty object is a proper body of an address that wants nothing
            _require_problem(
                _send(operator, method, path, body, JSON_TYPE), f"{method} {path}, {case['name']}"
            )


WRONG_DIGITS: Final[tuple[Any, ...]] = (
    1, 150000, 0, -1, True, None, [], {}, "", " ", "-1", "-0", "+1", "1.0", "1.000", "1,000", "1e3", "1E3", "0x10",
    "01", "00", " 1", "1 ", "1\n", "1_000", "NaN", "Infinity", "١٢٣", "１２３", "1" * 5000, str(10**12 + 1),
    str(10**15 + 1), str(2**63), "150000 VND", "150000đ",
)  # fmt: skip
AMOUNTS: Final[tuple[Any, ...]] = (
    *({"amount": digits, "currency": "VND"} for digits in WRONG_DIGITS),
    *({"amount": "1", "currency": word} for word in ("vnd", "USD", "", None, 704, "VNĐ", "VND ", "XXX")),
    {"amount": "1"}, {"currency": "VND"}, {"amount": "1", "currency": "VND", "minor": 1},
    "150000", 150000, None, [], True,
)  # fmt: skip


@pytest.mark.usefixtures("nothing_written")
def test_an_amount_in_any_other_form_is_refused_with_its_place(agency: Asker) -> None:
    for amount in AMOUNTS:
        answer = agency.post("/v1/obligations", FINE | {"amount": amount})
        assert answer.status_code == 422, (amount, answer.text)
        assert answer.json is not None
        places = {wrong["pointer"] for wrong in answer.json["errors"]}
        assert places <= {"/amount", "/amount/amount", "/amount/currency", "/amount/minor"}, (amount, places)
        assert places, amount


@pytest.mark.usefixtures("nothing_written")
def test_an_amount_as_a_raw_number_is_refused(agency: Asker) -> None:
    for token in ("1.0", "1e3", "-1", "1.5", "1" + "0" * 30, "NaN", "-Infinity", "1E400"):
        body = json.dumps(FINE).replace('"150000"', token).encode()
        assert agency.post("/v1/obligations", body).status_code == 422, token


WRONG_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 10**15 + 1, "", " ", "x" * 60_000, [], [1], {}, {"a": {"b": []}}, "\u0000", "\ud800",
    "\u202e", "{0}", "{}", "%s", "${x}", "\\", "'", "1.0", "1e3", "../..", "<script>", "=1+1",
)  # fmt: skip


@pytest.mark.usefixtures("nothing_written")
def test_a_wrong_value_in_any_field_never_breaks_anything(agency: Asker, operator: Asker) -> None:
    order = {"agency": "H41", "obligation": "none", "minutes": 60, "return_url": "https://portal.test/"}
    start = {
        "bank": "sandbox",
        "language": "vi",
        "payer_ip": "10.0.0.1",
        "return_url": "https://portal.test/",
    }
    fine = FINE | {"agency": "H41"}  # nobody's agency: what is well-formed is 404
    sent: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/v1/obligations", fine),
        ("/v1/payment-orders", order),
        ("/v1/payment-orders/DV0000000000000A/attempts", start),
        ("/v1/webhooks/resend", {"since": "2026-03-02T00:00:00Z"}),
    )
    for path, whole in sent[:3]:
        for name in whole:
            for wrong in WRONG_VALUES:
                _require_problem(
                    operator.post(path, whole | {name: wrong}), f"{path} {name}={str(wrong)[:40]!r}"
                )
    for name in FINE["beneficiary"]:
        for wrong in WRONG_VALUES:
            body = fine | {"beneficiary": {**FINE["beneficiary"], name: wrong}}
            _require_problem(agency.post("/v1/obligations", body), f"beneficiary {name}={str(wrong)[:40]!r}")
    for wrong in WRONG_VALUES:
        _require_problem(operator.post(sent[3][0], {"since": wrong}), f"since={str(wrong)[:40]!r}")
