"""Who is let in, and how far: keys, scopes, and what is not one's own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from payment_hub.domain.access import USUAL_SCOPES, Role, Scope
from payment_hub.domain.errors import AgencyNotFound, KeyNotFound, Malformed, PortalNotFound
from payment_hub.hub import Hub
from payment_hub.operations.access import list_keys, make_key, revoke_key
from payment_hub.web.api.openapi import openapi_text
from tests.conftest import StoppedClock
from tests.web.conftest import FINE, Asker, an_app
from tests.worlds.orders import a_portal, an_agency

EXAMPLES = {"{agency}": "G22.99", "{event_id}": "evt_1", "{refund_id}": "R1", "{number}": "1"}


def _endpoints(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, address and declaration of everything in the OpenAPI file."""
    found = []
    for path, operations in json.loads(openapi_text(app))["paths"].items():
        reference = "XP/2026/0042" if "agencies" in path else "DV0000000000000A"
        address = path.replace("{reference}", reference)
        for name, example in EXAMPLES.items():
            address = address.replace(name, example)
        found += [(m.upper(), address, op) for m, op in operations.items() if isinstance(op, dict)]
    return found


def _ask(asker: Asker, method: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {asker.token}", "Idempotency-Key": "k", "If-Match": '"1"'}
    return asker.client.open(path, method=method, headers=headers, json={"reason": "x"}).status_code


def test_every_endpoint_of_the_file_names_its_scope(app: Flask) -> None:
    endpoints = _endpoints(app)
    assert len(endpoints) >= 25
    for method, path, said in endpoints:
        assert said["x-scope"] in set(Scope), (method, path)
        assert said["security"] == [{"apiKey": [said["x-scope"]]}], (method, path)
        assert said["x-consistency"] in {"strong", "eventual"}, (method, path)


def test_every_address_under_v1_is_in_the_file(app: Flask) -> None:
    served = {
        (m, r.rule) for r in app.url_map.iter_rules() if r.rule.startswith("/v1") for m in r.methods or ()
    }
    assert len({(m, r) for m, r in served if m != "HEAD"}) == len(_endpoints(app))


def test_every_endpoint_refuses_whoever_has_no_key_or_lacks_its_scope(
    app: Flask, client: FlaskClient, asker: Callable[..., Asker]
) -> None:
    for method, path, said in _endpoints(app):
        assert client.open(path, method=method).status_code == 401, (method, path)
        others = [scope for scope in Scope if scope != said["x-scope"]]
        assert _ask(asker(Role.OPERATOR, scopes=others), method, path) == 403, (method, path)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_gets_past_only_the_doors_of_its_scopes(
    app: Flask, hub: Hub, asker: Callable[..., Asker], role: Role
) -> None:
    an_agency(hub)
    a_portal(hub)
    bound = {Role.AGENCY: {"agency_code": "G22.99"}, Role.PORTAL: {"portal_code": "dvc"}}.get(role, {})
    caller = asker(role, **bound)
    for method, path, said in _endpoints(app):
        refused = _ask(caller, method, path) == 403
        assert refused == (said["x-scope"] not in USUAL_SCOPES[role]), (method, path)


def test_what_is_another_agencys_is_404_on_every_path(
    hub: Hub, asker: Callable[..., Asker], app: Flask
) -> None:
    an_agency(hub)
    an_agency(hub, "H41")
    a_portal(hub)
    a_portal(hub, "tinh")
    owner, stranger = asker(Role.AGENCY, agency_code="G22.99"), asker(Role.AGENCY, agency_code="H41")
    portal, other = asker(Role.PORTAL, portal_code="dvc"), asker(Role.PORTAL, portal_code="tinh")
    assert owner.post("/v1/obligations", FINE).status_code == 201
    order = portal.post("/v1/payment-orders", {"agency": "G22.99", "obligation": FINE["reference"]}).json
    assert order is not None
    stranger_paths = [path for _, path, _ in _endpoints(app) if "agencies" in path]
    headers = {"If-Match": '"1"'}
    for path in stranger_paths:
        method = stranger.post if path.endswith(("withdraw", "restore")) else stranger.get
        more = {"headers": headers, "body": {"reason": "x"}} if method == stranger.post else {}
        assert method(path, **more).status_code == 404, path
    unknown = portal.get("/v1/payment-orders/" + "DV0000000000000A")
    for path in ("", "/attempts", "/receipt"):
        address = f"/v1/payment-orders/{order['reference']}{path}"
        assert other.get(address).status_code == 404, path
        assert stranger.get(address).status_code == 404, path
    assert unknown.status_code in (404, 422)
    start = {"bank": "sandbox"}
    assert other.post(f"/v1/payment-orders/{order['reference']}/attempts", start).status_code == 404
    cancelled = other.post(
        f"/v1/payment-orders/{order['reference']}/cancel", {"reason": "x"}, headers=headers
    )
    assert cancelled.status_code == 404
    for caller, path in ((stranger, "/v1/obligations"), (stranger, "/v1/payment-orders"), (other, "/v1/payment-orders"),
                         (other, "/v1/events"), (stranger, "/v1/events"), (other, "/v1/webhooks")):  # fmt: skip
        listed = caller.get(path).json
        assert listed is not None, path
        assert listed["items"] == [], path
    assert len((portal.get("/v1/payment-orders").json or {})["items"]) == 1


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic aHViOng=", "Bearer hub_x", "Bearer " + "x" * 5000, "Bearer hub_é",
     "bearer hub_00000000000_" + "0" * 49],
)  # fmt: skip
def test_what_is_no_key_is_refused(client: FlaskClient, header: str) -> None:
    answer = client.get("/v1/payment-orders", headers={"Authorization": header.encode().decode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_mistyped_key_is_refused_without_asking_the_database(portal: Asker, client: FlaskClient) -> None:
    wrong = portal.token[:-8] + ("a" if portal.token[-8] != "a" else "b") + portal.token[-7:]
    answer = client.get("/v1/payment-orders", headers={"Authorization": f"Bearer {wrong}"})
    assert (answer.json or {})["detail"] == "this is not a key: mistyped?"


def test_a_key_of_the_right_form_that_was_never_made_is_refused(client: FlaskClient, hub: Hub) -> None:
    token = make_key(hub, role=Role.OPERATOR, holder="x")
    revoke_key(hub, lookup=token.split("_")[1])
    answer = client.get("/v1/payment-orders", headers={"Authorization": f"Bearer {token}"})
    assert (answer.json or {})["detail"] == "the key is unknown, revoked or expired"


def test_a_revoked_key_opens_nothing_after_five_seconds(portal: Asker, hub: Hub, clock: StoppedClock) -> None:
    assert portal.get("/v1/payment-orders").status_code == 200
    revoke_key(hub, lookup=portal.token.split("_")[1])
    clock.advance(seconds=5)
    assert portal.get("/v1/payment-orders").status_code == 401


def test_an_expired_key_opens_nothing(hub: Hub, client: FlaskClient, clock: StoppedClock) -> None:
    expires_at = dataclasses.replace(hub).now().replace(hour=4)
    asker = Asker(client, make_key(hub, role=Role.OPERATOR, holder="x", expires_at=expires_at))
    assert asker.get("/v1/payment-orders").status_code == 200
    clock.advance(hours=1)
    assert asker.get("/v1/payment-orders").status_code == 401


def test_two_keys_are_valid_while_one_takes_over_from_the_other(
    portal: Asker, asker: Callable[..., Asker]
) -> None:
    newer = asker(Role.PORTAL, portal_code="dvc")
    assert portal.get("/v1/payment-orders").status_code == newer.get("/v1/payment-orders").status_code == 200


def test_the_last_use_is_noted_at_most_once_a_minute(portal: Asker, hub: Hub, clock: StoppedClock) -> None:
    first = hub.now()
    for _ in range(3):
        assert portal.get("/v1/payment-orders").status_code == 200
        assert list_keys(hub)[0].last_used_at == first
        clock.advance(seconds=20)
    portal.get("/v1/payment-orders")
    assert list_keys(hub)[0].last_used_at == hub.now()


def test_one_request_too_many_is_429_and_says_when_to_come_back(hub: Hub) -> None:
    app = an_app(hub, requests_per_minute=3)
    asker = Asker(app.test_client(), make_key(hub, role=Role.OPERATOR, holder="x"))
    answers = [asker.get("/v1/payment-orders") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"caller";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"caller";r=2;t=')
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 61
    assert (answers[3].json or {})["type"] == "/problems/quota-exceeded"


def test_guessing_keys_is_limited_by_address_and_a_forged_forwarded_for_does_not_help(hub: Hub) -> None:
    app = an_app(hub, requests_per_minute=3)
    statuses = [
        app.test_client().get("/v1/events", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code
        for n in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]


def test_an_address_that_floods_is_refused_alone(hub: Hub) -> None:
    app = an_app(hub, requests_per_minute=3)
    caller = Asker(app.test_client(), make_key(hub, role=Role.OPERATOR, holder="x"))

    def statuses(address: str, times: int) -> list[int]:
        from_there = {"REMOTE_ADDR": address}
        client = app.test_client()
        return [client.get("/v1/events", environ_base=from_there).status_code for _ in range(times)]

    assert statuses("198.51.100.7", 5) == [401, 401, 401, 429, 429]
    assert statuses("198.51.100.8", 4) == [401, 401, 401, 429]
    assert caller.get("/v1/events", environ_base={"REMOTE_ADDR": "198.51.100.7"}).status_code == 200


def test_a_caller_that_floods_is_refused_alone(hub: Hub) -> None:
    app = an_app(hub, requests_per_minute=2)
    one, other = (Asker(app.test_client(), make_key(hub, role=Role.OPERATOR, holder=name)) for name in "xy")
    assert [one.get("/v1/events").status_code for _ in range(3)] == [200, 200, 429]
    assert [other.get("/v1/events").status_code for _ in range(3)] == [200, 200, 429]


def test_a_portals_key_is_bound_to_its_portal(hub: Hub) -> None:
    with pytest.raises(Malformed):
        make_key(hub, role=Role.PORTAL, holder="x")
    with pytest.raises(PortalNotFound):
        make_key(hub, role=Role.PORTAL, holder="x", portal_code="none")
    with pytest.raises(AgencyNotFound):
        make_key(hub, role=Role.OFFICER, holder="x", agency_code="none")
    with pytest.raises(KeyNotFound):
        revoke_key(hub, lookup="none")
