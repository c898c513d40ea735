"""One key, one effect, one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from payment_hub.domain.access import Role
from payment_hub.hub import Hub
from payment_hub.operations.idempotency import claim_request, delete_expired_answers
from tests.conftest import StoppedClock
from tests.web.conftest import FINE, Asker
from tests.worlds.orders import an_agency

ORDER = {"agency": "G22.99", "obligation": FINE["reference"]}
KEY = {"Idempotency-Key": "k-4711"}


def _count(hub: Hub, table: str) -> int:
    with hub.transaction() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}")) or 0


def _an_order(agency: Asker, portal: Asker, obligation: str) -> str:
    agency.post("/v1/obligations", FINE | {"reference": obligation})
    issued = portal.post("/v1/payment-orders", ORDER | {"obligation": obligation})
    assert issued.status_code == 201, issued.text
    return str((issued.json or {})["reference"])


def _let_the_first_die(hub: Hub) -> None:
    """As if its process had ended after the claim, before the answer was kept."""
    with hub.transaction() as session:
        session.execute(
            text("UPDATE idempotency_record SET status = NULL, body = NULL, leased_until = :until"),
            {"until": hub.now() + timedelta(seconds=60)},
        )


def test_the_first_answer_is_given_again(agency: Asker, portal: Asker) -> None:
    first = agency.post("/v1/obligations", FINE, headers=KEY)
    again = agency.post("/v1/obligations", FINE, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (
        again.headers["Idempotency-Key-Expires-In"] == first.headers["Idempotency-Key-Expires-In"] == "86400"
    )
    assert (again.headers["ETag"], again.headers["Location"]) == (
        first.headers["ETag"],
        first.headers["Location"],
    )

    issued = portal.post("/v1/payment-orders", ORDER, headers=KEY)
    same = portal.post("/v1/payment-orders", ORDER, headers=KEY)
    assert (issued.status_code, same.status_code) == (201, 201)
    assert same.data == issued.data
    assert same.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_for_another_request_is_refused(agency: Asker, portal: Asker, hub: Hub) -> None:
    agency.post("/v1/obligations", FINE, headers=KEY)
    other = agency.post("/v1/obligations", FINE | {"reference": "XP-43"}, headers=KEY)
    assert (other.status_code, (other.json or {})["type"]) == (422, "/problems/idempotency-conflict")
    portal.post("/v1/payment-orders", ORDER, headers=KEY)
    other = portal.post("/v1/payment-orders", ORDER | {"minutes": 5}, headers=KEY)
    assert (other.status_code, (other.json or {})["type"]) == (422, "/problems/idempotency-conflict")
    assert _count(hub, "obligation") == _count(hub, "payment_order") == 1


@pytest.mark.parametrize("verb", ["cancel", "attempts"])
def test_the_same_key_and_body_at_another_address_is_another_request(
    agency: Asker, portal: Asker, hub: Hub, verb: str
) -> None:
    """Whoever cancels B must never be told that it is done because A is."""
    bodies = {"cancel": {"reason": "wrong person"}, "attempts": {"bank": "nobank"}}
    headers = KEY | {"If-Match": '"1"'}
    one, other = _an_order(agency, portal, "XP-1"), _an_order(agency, portal, "XP-2")
    done = portal.post(f"/v1/payment-orders/{one}/cancel", bodies["cancel"], headers=headers)
    assert (done.status_code, (done.json or {})["status"]) == (200, "CANCELLED")
    refused = portal.post(f"/v1/payment-orders/{other}/{verb}", bodies[verb], headers=headers)
    assert (refused.status_code, (refused.json or {})["type"]) == (422, "/problems/idempotency-conflict")
    assert "Idempotent-Replayed" not in refused.headers
    assert (portal.get(f"/v1/payment-orders/{other}").json or {})["status"] == "OPEN"
    again = portal.post(f"/v1/payment-orders/{one}/cancel", bodies["cancel"], headers=headers)
    assert (again.status_code, again.data) == (200, done.data)


def test_a_key_whose_request_died_is_no_other_requests(agency: Asker, hub: Hub, clock: StoppedClock) -> None:
    """The process died between its claim and its answer: what it had done by then nobody knows."""
    agency.post("/v1/obligations", FINE, headers=KEY)
    _let_the_first_die(hub)
    for _ in range(2):
        other = agency.post("/v1/obligations", FINE | {"reference": "XP-43"}, headers=KEY)
        assert (other.status_code, (other.json or {})["type"]) == (422, "/problems/idempotency-conflict")
        clock.advance(seconds=61)
    assert _count(hub, "obligation") == 1
    assert agency.post("/v1/obligations", FINE, headers=KEY).status_code == 200


def test_a_key_belongs_to_its_caller_and_outlives_the_callers_api_key(
    agency: Asker, asker: Callable[..., Asker], hub: Hub
) -> None:
    an_agency(hub, "H41")
    first = agency.post("/v1/obligations", FINE, headers=KEY)
    rotated = asker(Role.AGENCY, agency_code="G22.99").post("/v1/obligations", FINE, headers=KEY)
    assert rotated.headers.get("Idempotent-Replayed") == "true"
    assert rotated.data == first.data
    stranger = asker(Role.AGENCY, agency_code="H41").post(
        "/v1/obligations", FINE | {"agency": "H41"}, headers=KEY
    )
    assert (stranger.status_code, stranger.headers.get("Idempotent-Replayed")) == (201, None)


def test_every_post_needs_a_proper_key(app: Flask, operator: Asker) -> None:
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.startswith("/v1")
    ]
    assert len(rules) >= 7
    for wrong in ("", " ", "x" * 256, "a b", "a, a", "é".encode().decode("latin-1")):
        answer = operator.post("/v1/obligations", FINE, headers={"Idempotency-Key": wrong})
        assert (answer.status_code, (answer.json or {})["type"]) == (400, "/problems/missing-idempotency-key")


def test_a_refusal_changes_nothing_and_leaves_its_key_free(agency: Asker, portal: Asker, hub: Hub) -> None:
    for _ in range(2):
        assert portal.post("/v1/payment-orders", ORDER, headers=KEY).status_code == 404
    bad = FINE | {"identifiers": {}}
    assert agency.post("/v1/obligations", bad, headers=KEY).status_code == 422
    assert _count(hub, "idempotency_record") == 0
    assert agency.post("/v1/obligations", FINE, headers=KEY).status_code == 201
    assert portal.post("/v1/payment-orders", ORDER, headers=KEY).status_code == 201


def test_while_the_first_is_running_the_second_is_told_to_wait(
    agency: Asker, hub: Hub, clock: StoppedClock
) -> None:
    sent = agency.post("/v1/obligations", FINE, headers=KEY)
    assert sent.status_code == 201
    _let_the_first_die(hub)
    waiting = agency.post("/v1/obligations", FINE, headers=KEY)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
    assert (waiting.json or {})["type"] == "/problems/request-still-running"
    clock.advance(seconds=61)
    assert agency.post("/v1/obligations", FINE, headers=KEY).status_code == 200


def test_a_key_is_free_again_after_a_day(agency: Asker, hub: Hub, clock: StoppedClock) -> None:
    agency.post("/v1/obligations", FINE, headers=KEY)
    clock.advance(hours=24)
    other = agency.post("/v1/obligations", FINE | {"reference": "XP-43"}, headers=KEY)
    assert (other.status_code, other.headers.get("Idempotent-Replayed")) == (201, None)
    assert delete_expired_answers(hub) == 0
    clock.advance(hours=24)
    assert delete_expired_answers(hub) == 1
    assert _count(hub, "idempotency_record") == 0


@pytest.mark.parametrize("path", ["/v1/obligations", "/v1/payment-orders"])
def test_twenty_at_once_have_one_effect(
    app: Flask, agency: Asker, portal: Asker, hub: Hub, path: str
) -> None:
    sender, body = (agency, FINE) if path == "/v1/obligations" else (portal, ORDER)
    if sender is portal:
        agency.post("/v1/obligations", FINE)
    start, statuses, bodies = threading.Barrier(20), list[int](), set[bytes]()

    def send() -> None:
        one = Asker(app.test_client(), sender.token)
        start.wait()
        answer = one.post(path, body, headers=KEY)
        statuses.append(answer.status_code)
        if answer.status_code == 201:
            bodies.add(answer.data)

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert len(bodies) == 1
    assert _count(hub, "obligation") == 1
    assert _count(hub, "payment_order") == (1 if sender is portal else 0)


def test_a_claim_is_committed_at_once(hub: Hub) -> None:
    assert claim_request(hub, caller="portal:x", key="k", request_sha256=b"1") is None
    assert _count(hub, "idempotency_record") == 1
