"""Refunds over HTTP: shapes, statuses, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from payment_hub.domain.access import Role
from payment_hub.domain.banks.values import PayerAccount
from payment_hub.hub import Hub
from payment_hub.operations.access import make_key
from payment_hub.operations.refunds.decide import propose_excess_refunds
from payment_hub.web.api.openapi import openapi_text
from tests.conftest import StoppedClock
from tests.web.conftest import Asker
from tests.web.test_contract import _require_shape
from tests.worlds.database import execute
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

PROPOSAL: dict[str, Any] = {
    "refundable": {"amount": "150000", "currency": "VND"},
    "amount": {"amount": "50000", "currency": "VND"},
    "reason": "DOSSIER_REFUSED",
    "note": "Hồ sơ bị từ chối",
}


@pytest.fixture
def order(hub: Hub) -> str:
    """An order paid through a bank that has no refunds."""
    portal, agency = a_portal(hub), an_agency(hub)
    reference = str(an_order(hub, agency, portal)["reference"])
    payer = PayerAccount("0011002233", "970436", "NGUYEN THI HUONG")
    receive(hub, confirmation(reference, bank="oldbank", bank_transaction_id="T1", payer=payer))
    return reference


@pytest.fixture
def portal(order: str, asker: Callable[..., Asker]) -> Asker:
    return asker(Role.PORTAL, portal_code="dvc")


@pytest.fixture
def officer(order: str, hub: Hub, client: FlaskClient) -> Callable[[str], Asker]:
    """Officers by their name."""
    return lambda name: Asker(client, make_key(hub, role=Role.OFFICER, holder=name, agency_code="G22.99"))


@pytest.fixture
def address(order: str) -> str:
    return f"/v1/payment-orders/{order}/refunds"


def test_a_refund_from_the_proposal_to_the_evidence(
    portal: Asker, officer: Callable[[str], Asker], address: str, order: str, clock: StoppedClock
) -> None:
    first = portal.put(f"{address}/R1", PROPOSAL)
    assert first.status_code == 200, first.text
    again = portal.put(f"{address}/R1", PROPOSAL)
    assert (again.status_code, again.json) == (200, first.json)
    assert (first.json or {})["state"] == "PROPOSED"
    waiting = officer("duc").get("/v1/refunds?state=PROPOSED").json
    assert [one["refund_id"] for one in (waiting or {})["items"]] == ["R1"]
    approved = officer("duc").post(f"{address}/R1/approve")
    assert approved.status_code == 200, approved.text
    assert (approved.json or {})["payee"]["number"] == "0011002233"
    paper = officer("lan").get(f"{address}/R1/voucher")
    assert (paper.status_code, (paper.json or {})["form"]) == (200, "TRANSFER")
    for event, state in (("HANDED_IN", "HANDED_IN"), ("RETURNED", "SUCCEEDED")):
        evidence = {"event": event, "document": "UNC 17", "dated_on": "2026-03-04"}
        proved = officer("lan").post(f"{address}/R1/evidence", evidence)
        assert (proved.status_code, (proved.json or {})["state"]) == (200, state)
    shown = portal.get(f"/v1/payment-orders/{order}").json or {}
    assert (shown["status"], shown["refunded"]["amount"], shown["refundable"]["amount"]) == (
        "PARTLY_REFUNDED",
        "50000",
        "100000",
    )
    events = (portal.get("/v1/events").json or {})["items"]
    assert [one["data"].get("refund", {}).get("state") for one in events][2:] == [
        "PROPOSED",
        "APPROVED",
        "SUCCEEDED",
    ]


def test_statuses_of_what_is_refused(portal: Asker, officer: Callable[[str], Asker], address: str) -> None:
    def put(name: str = "R1", **more: Any) -> tuple[int, str]:
        answer = portal.put(f"{address}/{name}", PROPOSAL | more)
        return answer.status_code, (answer.json or {}).get("type", "").rpartition("/")[2]

    def money(amount: str) -> dict[str, str]:
        return {"amount": amount, "currency": "VND"}

    assert put(refundable=money("149999")) == (412, "refundable-changed")
    assert put(amount=money("150001")) == (409, "refund-exceeds")
    assert put(collection={"bank": "oldbank", "bank_transaction_id": "T9"}) == (404, "collection-not-found")
    assert put()[0] == 200
    assert put(note="other") == (422, "idempotency-conflict")
    assert put("R2", refundable=money("100000")) == (409, "refund-blocked")
    assert portal.get(f"{address}/R2").status_code == 404
    assert officer("system of dvc").post(f"{address}/R1/approve").status_code == 200

    def post(path: str, body: object = None, by: str = "duc") -> int:
        return officer(by).post(f"{address}/{path}", body).status_code

    assert post("R1/approve") == 409
    assert post("R1/decline", {"reason": "not so"}) == 409
    assert post("R2/approve") == 404
    assert post("R1/decline", {"reason": ""}) == 422


def test_the_proposer_is_refused_as_the_second_pair_of_eyes(
    officer: Callable[[str], Asker], address: str
) -> None:
    lan = officer("lan")
    lan.put(f"{address}/R1", PROPOSAL)
    refused = officer("lan").post(f"{address}/R1/approve")
    assert (refused.status_code, (refused.json or {})["type"]) == (409, "/problems/same-person")


def test_what_the_hub_proposes_waits_and_is_decided_by_its_own_name(
    hub: Hub, portal: Asker, officer: Callable[[str], Asker], address: str, order: str
) -> None:
    receive(hub, confirmation(order, bank="oldbank", bank_transaction_id="T2"))
    propose_excess_refunds(hub)
    shown = portal.get(f"{address}/hub:2").json or {}
    assert (shown["proposed_by"], shown["waits_for_statement"]) == ("hub", True)
    refused = officer("duc").post(f"{address}/hub:2/approve")
    assert (refused.status_code, (refused.json or {})["type"]) == (409, "/problems/money-not-seen")
    assert portal.put(f"{address}/hub:9", PROPOSAL).status_code == 422
    declined = officer("duc").post(f"{address}/hub:2/decline", {"reason": "paid for a neighbour"})
    assert (declined.status_code, (declined.json or {})["state"]) == (200, "DECLINED")


@pytest.mark.parametrize(
    "body",
    [
        {},
        PROPOSAL | {"amount": {"amount": "0", "currency": "VND"}},
        PROPOSAL | {"amount": {"amount": "-1", "currency": "VND"}},
        PROPOSAL | {"amount": {"amount": "1", "currency": "USD"}},
        PROPOSAL | {"amount": 50_000},
        PROPOSAL | {"amount": {"amount": "1e3", "currency": "VND"}},
        PROPOSAL | {"reason": "BECAUSE"},
        PROPOSAL | {"note": ""},
        PROPOSAL | {"note": "\u202e"},
        PROPOSAL | {"state": "SUCCEEDED"},
        PROPOSAL | {"approved_by": "lan"},
        PROPOSAL | {"collection": {"bank": "oldbank"}},
        PROPOSAL | {"payee": {"number": "1234; DROP"}},
    ],
)
def test_a_malformed_proposal_changes_nothing(portal: Asker, address: str, body: object) -> None:
    assert portal.put(f"{address}/R1", body).status_code == 422
    assert (portal.get(address).json or {})["items"] == []


@pytest.mark.parametrize("name", ["a b", "-a", "ă", "x" * 65, "hub:1", "a%00b"])
def test_an_id_that_is_none_is_refused(portal: Asker, address: str, name: str) -> None:
    assert portal.put(f"{address}/{name}", PROPOSAL).status_code in (404, 422)
    assert (portal.get(address).json or {})["items"] == []


@pytest.mark.parametrize("name", ["a%00b", "%ED%A0%80", "x" * 3_000, "..%2F..", "%F0%9F%92%B8", "hub:1"])
def test_an_id_that_nobody_gave_is_not_found_whatever_it_holds(
    portal: Asker, officer: Callable[[str], Asker], address: str, name: str
) -> None:
    evidence = {"event": "RETURNED", "document": "UNC 17", "dated_on": "2026-03-04"}
    lan = officer("lan")
    assert portal.get(f"{address}/{name}").status_code == 404
    assert lan.get(f"{address}/{name}/voucher").status_code == 404
    for path, body in (("approval", {}), ("refusal", {"reason": "so"}), ("evidence", evidence)):
        assert lan.post(f"{address}/{name}/{path}", body).status_code == 404


def test_what_lies_before_an_officer_is_listed_alone(
    hub: Hub, portal: Asker, officer: Callable[[str], Asker], address: str
) -> None:
    portal.put(f"{address}/R1", PROPOSAL)
    for which, expected in (("all", 1), ("overdue", 0)):
        assert len((officer("lan").get(f"/v1/refunds?which={which}").json or {})["items"]) == expected
    execute(hub, "UPDATE refund SET escalated_at = :now", now=hub.now())
    (shown,) = (officer("lan").get("/v1/refunds?which=overdue").json or {})["items"]
    assert (shown["refund_id"], shown["escalated_at"]) == ("R1", "2026-03-02T03:00:00.000Z")


def test_who_is_not_concerned_sees_nothing_and_who_has_no_scope_does_nothing(
    hub: Hub, portal: Asker, asker: Callable[..., Asker], client: FlaskClient, address: str
) -> None:
    portal.put(f"{address}/R1", PROPOSAL)
    an_agency(hub, "H41")
    a_portal(hub, "tinh")
    other = asker(Role.PORTAL, portal_code="tinh")
    strange = Asker(client, make_key(hub, role=Role.OFFICER, holder="hoa", agency_code="H41"))
    for caller in (other, strange):
        assert caller.get(address).status_code == 404
        assert caller.get(f"{address}/R1").status_code == 404
        assert caller.put(f"{address}/R2", PROPOSAL).status_code == 404
        assert (caller.get("/v1/refunds").json or {})["items"] == []
    assert strange.post(f"{address}/R1/approve").status_code == 404
    assert strange.get(f"{address}/R1/voucher").status_code == 404
    assert portal.post(f"{address}/R1/approve").status_code == 403
    assert portal.get(f"{address}/R1/voucher").status_code == 403


def test_the_payers_account_is_for_officers_alone(
    portal: Asker, officer: Callable[[str], Asker], asker: Callable[..., Asker], address: str
) -> None:
    portal.put(f"{address}/R1", PROPOSAL)
    for caller in (portal, asker(Role.AGENCY, agency_code="G22.99")):
        for path in (address, f"{address}/R1", "/v1/refunds"):
            assert "0011002233" not in caller.get(path).text
    assert "0011002233" in officer("lan").get(f"{address}/R1").text


def test_answers_have_the_documented_shape(
    app: Flask, portal: Asker, officer: Callable[[str], Asker], address: str
) -> None:
    spec = json.loads(openapi_text(app))
    portal.put(f"{address}/R1", PROPOSAL)
    officer("duc").post(f"{address}/R1/approve")
    one = "/v1/payment-orders/{reference}/refunds"
    asked = {
        one: address,
        f"{one}/{{refund_id}}": f"{address}/R1",
        f"{one}/{{refund_id}}/voucher": f"{address}/R1/voucher",
        "/v1/refunds": "/v1/refunds",
        "/v1/events": "/v1/events",
    }
    for path, where in asked.items():
        answer = (portal if path == "/v1/events" else officer("lan")).get(where)
        assert answer.status_code == 200, answer.text
        shape = spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _require_shape(spec, shape, answer.json, where)
