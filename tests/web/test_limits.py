"""Requests are counted by caller and by address, by all processes together, and no count keeps money waiting."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from flask import Flask

from payment_hub.domain.access import Role
from payment_hub.embedded.broker import broker
from payment_hub.embedded.ports import free_port
from payment_hub.hub import Hub
from payment_hub.operations.access import make_key
from tests.web.conftest import Asker, an_app


def statuses(app: Flask, token: str, times: int) -> list[int]:
    caller = Asker(app.test_client(), token)
    return [caller.get("/v1/events").status_code for _ in range(times)]


@pytest.fixture
def token(hub: Hub) -> str:
    return make_key(hub, role=Role.OPERATOR, holder="x")


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """A Valkey of our own."""
    with broker() as url:
        yield url


@pytest.fixture
def store(valkey: str) -> str:
    """The same, empty."""
    with redis.Redis.from_url(valkey) as client:
        client.flushdb()
    return valkey


def test_processes_with_one_store_count_together(hub: Hub, token: str, store: str) -> None:
    one, other = (an_app(hub, requests_per_minute=3, limits_url=store) for _ in range(2))
    assert statuses(one, token, 2) == [200, 200]
    assert statuses(other, token, 2) == [200, 429]
    assert statuses(one, token, 1) == [429]


def test_a_broker_that_is_redis_is_the_store_unless_another_is_named(
    hub: Hub, token: str, store: str
) -> None:
    one, other = (an_app(hub, requests_per_minute=3, broker_url=store) for _ in range(2))
    assert statuses(one, token, 3) == [200, 200, 200]
    assert statuses(other, token, 1) == [429]


def test_without_its_store_a_process_counts_its_own_and_says_so_once(
    hub: Hub, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    app = an_app(hub, requests_per_minute=3, limits_url=nowhere)
    with caplog.at_level(logging.WARNING):
        assert statuses(app, token, 5) == [200, 200, 200, 429, 429]
    assert [record.message for record in caplog.records].count("request_counts_not_shared") == 1


def test_a_store_that_hangs_costs_one_request_a_tenth_of_a_second(hub: Hub, token: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = an_app(
            hub, requests_per_minute=100, limits_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        )
        began = time.monotonic()
        assert statuses(app, token, 20) == [200] * 20
        assert time.monotonic() - began < 5
