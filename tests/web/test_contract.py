"""The OpenAPI file is a contract: valid, kept, honest about the answers, and never broken in passing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from payment_hub.app import describe_api
from payment_hub.domain.access import Role, Scope
from payment_hub.hub import Hub
from payment_hub.web.api.openapi import openapi_text
from reconciliation.app import BLUEPRINTS
from tests.web.conftest import FINE, Asker
from tests.web.contract import breaking_changes
from tests.worlds.orders import a_portal, confirmation, receive

KEPT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


@pytest.fixture
def spec(app: Flask) -> dict[str, Any]:
    """The file as it is served."""
    served: dict[str, Any] = json.loads(app.test_client().get("/openapi.json").data)
    return served


def test_the_file_is_valid_openapi_and_names_everything(spec: dict[str, Any]) -> None:
    validate(spec)
    assert spec["openapi"].startswith("3.1")
    assert all(
        str(scope) in spec["components"]["securitySchemes"]["apiKey"]["description"] for scope in Scope
    )
    assert "post" in spec["webhooks"]["webhook"]
    for path, operations in spec["paths"].items():
        for method, said in operations.items():
            if method != "parameters":
                assert said["summary"], (method, path)
                assert {"401", "403", "429", "500", "503"} <= set(said["responses"]), (method, path)


def test_nothing_that_callers_rely_on_was_taken_away(app: Flask) -> None:
    """When this fails, either mend it, or declare it: ``make docs`` writes the file anew, for all to review."""
    kept, served = KEPT.read_text(), openapi_text(app)
    assert served == describe_api(BLUEPRINTS)
    assert breaking_changes(json.loads(kept), json.loads(served)) == []
    assert served == kept, "the API has grown: run `make docs`"


def _without_path(spec: dict[str, Any]) -> None:
    del spec["paths"]["/v1/events"]


def _without_method(spec: dict[str, Any]) -> None:
    del spec["paths"]["/v1/obligations"]["post"]


def _without_field(spec: dict[str, Any]) -> None:
    del spec["components"]["schemas"]["Order"]["properties"]["status"]


def _without_word(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["Order"]["properties"]["status"]["enum"].remove("PAID")


def _with_a_new_demand(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["IssueRequest"]["required"].append("minutes")


def _with_another_type(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["Money"]["properties"]["amount"]["type"] = "integer"


def _with_another_scope(spec: dict[str, Any]) -> None:
    spec["paths"]["/v1/events"]["get"]["x-scope"] = "ledger:read"


def _with_a_required_parameter(spec: dict[str, Any]) -> None:
    spec["paths"]["/v1/events"]["get"]["parameters"].append({"name": "x", "in": "query", "required": True})


def _with_a_tighter_bound(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["RegisterRequest"]["properties"]["payer_name"]["maxLength"] = 20


def _with_a_field_that_may_be_missing(spec: dict[str, Any]) -> None:
    spec["components"]["schemas"]["Order"]["required"].remove("checkout_url")


BREAKS = (
    _without_path, _without_method, _without_field, _without_word, _with_a_new_demand, _with_another_type,
    _with_another_scope, _with_a_required_parameter, _with_a_tighter_bound, _with_a_field_that_may_be_missing,
)  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS, ids=lambda change: change.__name__.strip("_"))
def test_every_breaking_change_is_noticed(broken: Callable[[dict[str, Any]], None]) -> None:
    kept = json.loads(KEPT.read_text())
    changed = copy.deepcopy(kept)
    broken(changed)
    assert breaking_changes(kept, changed) != []


def test_additions_break_nothing() -> None:
    kept = json.loads(KEPT.read_text())
    grown = copy.deepcopy(kept)
    grown["paths"]["/v1/new"] = grown["paths"]["/v1/events"]
    grown["components"]["schemas"]["Order"]["properties"]["new"] = {"type": "string"}
    grown["components"]["schemas"]["Order"]["properties"]["status"]["enum"].append("NEW")
    grown["components"]["schemas"]["IssueRequest"]["properties"]["new"] = {"type": "string"}
    assert breaking_changes(kept, grown) == []


def test_answers_have_the_documented_shape_and_no_field_more(
    spec: dict[str, Any], hub: Hub, agency: Asker, asker: Callable[..., Asker], operator: Asker
) -> None:
    a_portal(hub, webhook_url="http://127.0.0.1:9/webhooks")
    portal = asker(Role.PORTAL, portal_code="dvc")
    agency.post("/v1/obligations", FINE)
    issued = portal.post("/v1/payment-orders", {"agency": "G22.99", "obligation": FINE["reference"]})
    reference = (issued.json or {})["reference"]
    portal.post(f"/v1/payment-orders/{reference}/attempts", {"bank": "sandbox"})
    receive(hub, confirmation(reference))
    one = "/v1/payment-orders/{reference}"
    asked = {
        "/v1/obligations": "/v1/obligations",
        "/v1/agencies/{agency}/obligations/{reference}": "/v1/agencies/G22.99/obligations/XP/2026/0042",
        "/v1/payment-orders": "/v1/payment-orders",
        one: f"/v1/payment-orders/{reference}",
        f"{one}/attempts": f"/v1/payment-orders/{reference}/attempts",
        f"{one}/receipt": f"/v1/payment-orders/{reference}/receipt",
        "/v1/events": "/v1/events",
        "/v1/webhooks": "/v1/webhooks",
        "/v1/ledger/trial-balance": "/v1/ledger/trial-balance?day_from=2026-03-01&day_to=2026-03-31",
    }
    for path, address in asked.items():
        answer = operator.get(address)
        assert answer.status_code == 200, (address, answer.text)
        assert answer.json is not None
        assert answer.json.get("items", [1]), f"{address} shows nothing to check"
        shape = spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _require_shape(spec, shape, answer.json, address)
    refused = operator.get("/v1/payment-orders?limit=0")
    _require_shape(spec, {"$ref": "#/components/schemas/Problem"}, refused.json, "a problem")


def _require_shape(spec: dict[str, Any], shape: dict[str, Any], answer: Any, where: str) -> None:
    closed = copy.deepcopy(spec["components"])
    for schema in closed["schemas"].values():
        schema["additionalProperties"] = schema.get("additionalProperties", False)
    problems = list(Draft202012Validator(shape | {"components": closed}).iter_errors(answer))
    assert problems == [], (where, [(list(p.absolute_path), p.message[:200]) for p in problems])
