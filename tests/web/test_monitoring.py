"""Health, metrics and logs: what an operator sees, and what must never show."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from payment_hub.hub import Hub
from payment_hub.logs import FIELDS, JsonLines, set_request_id
from payment_hub.web import health
from tests.web.conftest import FINE, Asker, an_app
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

WATCH = {"Authorization": "Bearer watch"}


def test_a_live_process_says_so(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "live"}


def test_ready_means_that_every_part_answers(app: Flask, client: FlaskClient, hub: Hub) -> None:
    health.register_checks(app, {"database": lambda: None, "broker": lambda: None})
    assert client.get("/health/ready").json == {
        "status": "ready",
        "checks": {"database": "ok", "broker": "ok"},
    }


def test_a_part_that_fails_or_is_silent_is_named_and_nothing_else(app: Flask, client: FlaskClient) -> None:
    def broken() -> None:
        raise ValueError("amqp://guest:secret@10.0.0.1")

    health.register_checks(
        app, {"database": broken, "broker": lambda: time.sleep(health.SECONDS + 0.5), "clock": lambda: None}
    )
    began = time.monotonic()
    answer = client.get("/health/ready")
    assert time.monotonic() - began < health.SECONDS + 1
    assert answer.status_code == 503
    assert (answer.json or {})["detail"] == "not ready: database, broker"
    assert "secret" not in answer.text


def test_a_database_without_the_newest_migration_is_not_ready(client: FlaskClient, hub: Hub) -> None:
    with hub.transaction() as session:
        newest = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    try:
        assert "database" in (client.get("/health/ready").json or {})["detail"]
    finally:
        with hub.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    assert "database" not in (client.get("/health/ready").json or {})["detail"]


def test_metrics_are_closed_unless_the_token_is_set_and_given(client: FlaskClient, hub: Hub) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "watch"},
        {"Authorization": "Bearer é"},
    ):
        assert client.get("/metrics", headers=headers).status_code == 404
    closed = an_app(hub, metrics_token=None).test_client()
    assert closed.get("/metrics", headers={"Authorization": "Bearer None"}).status_code == 404


def test_metrics_count_requests_and_waiting_work(client: FlaskClient, hub: Hub) -> None:
    agency, portal = an_agency(hub), a_portal(hub, webhook_url="http://127.0.0.1:9/webhooks")
    an_order(hub, agency, portal)
    paid = an_order(hub, agency, portal)
    receive(hub, confirmation(str(paid["reference"])))
    client.get("/health/live")
    told = client.get("/metrics", headers=WATCH).text
    for line in ("hub_database_up 1.0", "hub_open_orders 1.0", "hub_webhooks_pending 3.0", "hub_webhooks_dead 0.0",
                 "hub_attempts_unknown 0.0", "hub_refunds_proposed 0.0", "hub_refunds_unknown 0.0",
                 "hub_callbacks_unjudged 0.0", "hub_discrepancies_open 0.0"):  # fmt: skip
        assert line in told
    assert 'hub_requests_total{method="GET",route="/health/live",status="200"}' in told
    assert str(paid["reference"]) not in told


def test_metrics_say_so_when_the_database_is_away(hub: Hub) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    client = an_app(dataclasses.replace(hub, engine=away, sessions=sessionmaker(away))).test_client()
    told = client.get("/metrics", headers=WATCH)
    assert told.status_code == 200
    assert "hub_database_up 0.0" in told.text


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything logged during the test, as it would stand in the log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    set_request_id("")


def _read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_id_and_without_anything_personal(
    agency: Asker, portal: Asker, lines: io.StringIO
) -> None:
    agency.post("/v1/obligations", FINE, headers={"X-Request-Id": "ask-7"})
    issued = portal.post("/v1/payment-orders", {"agency": "G22.99", "obligation": FINE["reference"]})
    reference = (issued.json or {})["reference"]
    portal.get(f"/v1/payment-orders/{reference}")
    portal.get("/v1/payment-orders?obligation=XP/2026/0042")
    logged = [line for line in _read(lines) if line["event"] == "request"]
    assert len(logged) == 4
    assert logged[0]["request_id"] == "ask-7"
    assert (logged[0]["route"], logged[0]["status"], logged[0]["caller"]) == (
        "/v1/obligations",
        201,
        "agency:G22.99",
    )
    text_of_all = lines.getvalue()
    names = ("Hường", "H\\u01b0", "7111000000001", "1234/QD-XPHC", "checkout/")
    for secret in (agency.token, portal.token, agency.token[16:40], *names):
        assert secret not in text_of_all


def test_a_failure_is_logged_by_its_class_and_place_and_not_by_its_words(
    app: Flask, client: FlaskClient, lines: io.StringIO
) -> None:
    @app.get("/boom")
    def boom() -> str:
        raise ValueError("account 7111000000001 of Nguyễn")

    client.get("/boom")
    failed = next(line for line in _read(lines) if line["event"] == "unexpected_error")
    assert failed["error"] == "builtins.ValueError"
    assert any("boom" in place for place in failed["at_code"])
    assert "7111000000001" not in lines.getvalue()


def test_one_event_is_one_line_of_ascii_whatever_is_in_it() -> None:
    hostile = "a\r\nb\x1b[31m\u202e\u2028\ud800\x00" + "x" * 5000
    ours = {"name": "payment_hub.test", "msg": "tested", **dict.fromkeys(FIELDS, hostile)}
    theirs = {"name": "elsewhere", "msg": "said %s", "args": (hostile,)}
    for told in (JsonLines().format(logging.makeLogRecord(fields)) for fields in (ours, theirs)):
        assert told.isascii()
        assert told.isprintable()
        assert all(len(str(value)) <= 300 for value in json.loads(told).values())


def test_a_field_that_is_not_on_the_list_is_not_written(lines: io.StringIO) -> None:
    logging.getLogger("payment_hub.test").info("tested", extra={"payer_name": "Nguyen", "bank": "sandbox"})
    assert "Nguyen" not in lines.getvalue()
    assert _read(lines)[0]["bank"] == "sandbox"
