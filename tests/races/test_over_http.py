"""The same races through the doors: a real server, real sockets, signed callbacks; never a 5xx."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from payment_hub.app import create_app
from payment_hub.domain.access import Caller, Role
from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.hub import Hub
from payment_hub.operations.access import make_key
from payment_hub.operations.orders import expire_orders
from tests.conftest import StoppedClock
from tests.races.crowd import CROWD, all_at_once, answers
from tests.web.conftest import SETTINGS
from tests.worlds.banks import a_callback, sandbox_adapter, with_banks
from tests.worlds.database import balances, count, scalar
from tests.worlds.orders import a_portal, an_agency, an_obligation, an_order


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def server(hub: Hub) -> Iterator[str]:
    """The app in a threaded server; its address."""
    app = create_app(replace(SETTINGS, requests_per_minute=1_000_000), hub)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


@pytest.fixture
def headers(hub: Hub, portal: Caller) -> dict[str, str]:
    """What the portal sends with every request."""
    token = make_key(hub, role=Role.PORTAL, holder="portal", portal_code="dvc")
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def tell(server: str, callback: CallbackRequest) -> requests.Response:
    return requests.post(server + callback.path, callback.body, headers=dict(callback.headers), timeout=20)


def statuses(results: list[Any]) -> list[int]:
    return sorted(response.status_code for response in answers(results))


def test_the_same_callback_twenty_times(
    hub: Hub, server: str, agency: Caller, portal: Caller, rounds: int
) -> None:
    for _ in range(rounds):
        callback = a_callback(an_order(hub, agency, portal)["reference"], hub.now())
        results = all_at_once([partial(tell, server, callback)] * CROWD)
        assert statuses(results) == [200] * CROWD
        words = sorted(response.json()["result"] for response in answers(results))
        assert words == ["ALREADY_RECORDED"] * (CROWD - 1) + ["RECORDED"]
    assert balances(hub) == {"BANK_CLEARING": -rounds * 150_000, "AGENCY_PAYABLE": rounds * 150_000}
    assert count(hub, "callback") == rounds * CROWD


def test_one_idempotency_key_twenty_times(
    hub: Hub, server: str, agency: Caller, headers: dict[str, str], rounds: int
) -> None:
    for number in range(rounds):
        body = json.dumps({"agency": "G22.99", "obligation": an_obligation(hub, agency)})
        sent = headers | {"Idempotency-Key": f"K{number}"}
        issue = partial(requests.post, f"{server}/v1/payment-orders", body, headers=sent, timeout=20)
        results = all_at_once([issue] * CROWD)
        assert set(statuses(results)) == {201}
        assert len({response.json()["reference"] for response in answers(results)}) == 1
        replayed = [response.headers.get("Idempotent-Replayed") for response in answers(results)]
        assert replayed.count("true") == CROWD - 1
    assert count(hub, "payment_order") == rounds


def test_withdrawal_against_payment(
    hub: Hub, server: str, agency: Caller, portal: Caller, headers: dict[str, str], rounds: int
) -> None:
    for number in range(rounds):
        reference = an_order(hub, agency, portal)["reference"]
        callback = a_callback(reference, hub.now())
        address = f"{server}/v1/payment-orders/{reference}/cancel"
        withdraw = partial(requests.post, address, '{"reason": "wrong"}', timeout=20)
        acts: list[Callable[[], requests.Response]] = [partial(tell, server, callback)] * 10
        for place in range(10):
            sent = headers | {"Idempotency-Key": f"W{number}-{place}", "If-Match": '"1"'}
            acts.append(partial(withdraw, headers=sent))
        assert set(statuses(all_at_once(acts))) <= {200, 409, 412}
        assert scalar(hub, "SELECT status FROM payment_order WHERE reference = :r", r=reference) == "PAID"


def test_expiry_against_payment(
    hub: Hub, server: str, agency: Caller, portal: Caller, clock: StoppedClock, rounds: int
) -> None:
    orders = [an_order(hub, agency, portal)["reference"] for _ in range(rounds)]
    clock.advance(days=1, minutes=1)
    for reference in orders:
        callback = a_callback(reference, hub.now())
        acts: list[Callable[[], object]] = [partial(tell, server, callback)] * 8 + [
            partial(expire_orders, hub)
        ] * 2
        results = all_at_once(acts)
        told = [response for response in answers(results) if isinstance(response, requests.Response)]
        assert {response.status_code for response in told} == {200}
        assert scalar(hub, "SELECT status FROM payment_order WHERE reference = :r", r=reference) == "PAID"
    assert balances(hub)["AGENCY_PAYABLE"] == rounds * 150_000


def test_twenty_payments_of_one_agency(hub: Hub, server: str, agency: Caller, portal: Caller) -> None:
    callbacks = [a_callback(an_order(hub, agency, portal)["reference"], hub.now()) for _ in range(CROWD)]
    assert statuses(all_at_once([partial(tell, server, callback) for callback in callbacks])) == [200] * CROWD
    assert scalar(hub, "SELECT max(number) = count(*) FROM receipt") is True
