"""Officers over HTTP: run, look, propose, approve, take the report along."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from werkzeug.test import TestResponse

from payment_hub.app import create_app
from payment_hub.domain.access import Caller, Role
from payment_hub.operations.access import make_key
from reconciliation.app import BLUEPRINTS, attach
from reconciliation.books import Books
from tests.reconciliation.nights import paid
from tests.reconciliation.stubs import DAY, StubBank, a_line, a_statement
from tests.web.conftest import SETTINGS, Asker


def content(answer: TestResponse) -> dict[str, Any]:
    """The JSON object that came back."""
    read: dict[str, Any] = json.loads(answer.data)
    return read


RUNS, DISCREPANCIES = "/v1/reconciliation/runs", "/v1/reconciliation/discrepancies"


@pytest.fixture
def app(books: Books) -> Flask:
    """The hub's app with the officers' doors."""
    made = create_app(SETTINGS, books.hub, blueprints=BLUEPRINTS)
    attach(made, books)
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody without a key."""
    return app.test_client()


@pytest.fixture
def officer(books: Books, client: FlaskClient) -> Callable[..., Asker]:
    """An officer by name."""
    return lambda name, **more: Asker(client, make_key(books.hub, role=Role.OFFICER, holder=name, **more))


@pytest.fixture
def run(
    books: Books, bank: StubBank, agency: Caller, portal: Caller, officer: Callable[..., Asker]
) -> dict[str, Any]:
    """A run that has found one thing."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1", 149_999))
    answer = officer("lan").post(RUNS, {"scope": "bank:sandbox", "day": "2026-03-02"})
    assert answer.status_code == 200, content(answer)
    return content(answer)


def test_two_officers_resolve_a_discrepancy(run: dict[str, Any], officer: Callable[..., Asker]) -> None:
    lan, minh = officer("lan"), officer("minh")
    assert run["findings"] == {"AMOUNT_MISMATCH": 1}
    (listed,) = content(lan.get(f"{DISCREPANCIES}?kind=AMOUNT_MISMATCH"))["items"]
    one = f"{DISCREPANCIES}/{listed['number']}"
    seen = lan.get(one)
    assert "149.999 VND" in content(seen)["explanation"]["vi"]["what"]
    proposal = {"decision": "BANK_CORRECTS", "reason": "letter 12/NH"}
    proposed = lan.post(f"{one}/propose", proposal, headers={"If-Match": seen.headers["ETag"]})
    assert (proposed.status_code, content(proposed)["state"]) == (200, "PROPOSED")
    current = {"If-Match": proposed.headers["ETag"]}
    same = lan.post(f"{one}/approve", headers=current)
    assert (same.status_code, content(same)["type"]) == (409, "/problems/same-person")
    stale = minh.post(f"{one}/approve", headers={"If-Match": seen.headers["ETag"]})
    assert stale.status_code == 412
    approved = minh.post(f"{one}/approve", headers=current)
    assert (approved.status_code, content(approved)["state"]) == (200, "RESOLVED")
    assert minh.post(f"{one}/decline", {"reason": "no"}, headers=current).status_code == 412


def test_what_is_declined_is_open_again(run: dict[str, Any], officer: Callable[..., Asker]) -> None:
    one = f"{DISCREPANCIES}/1"
    officer("lan").post(
        f"{one}/propose", {"decision": "REFUND_PAYER", "reason": "x"}, headers={"If-Match": '"1"'}
    )
    declined = officer("minh").post(f"{one}/decline", {"reason": "no"}, headers={"If-Match": '"2"'})
    assert (declined.status_code, content(declined)["state"]) == (200, "OPEN")


def test_the_report_is_a_file_and_always_the_same(run: dict[str, Any], officer: Callable[..., Asker]) -> None:
    lan = officer("lan")
    first = lan.get(f"{RUNS}/{run['number']}/report.csv")
    assert first.content_type == "text/csv; charset=utf-8"
    assert "AMOUNT_MISMATCH" in first.text
    again = lan.post(RUNS, {"scope": "bank:sandbox", "day": "2026-03-02"})
    assert content(again) == run
    assert lan.get(f"{RUNS}/{run['number']}/report.csv").data == first.data
    assert content(lan.get(f"{RUNS}/{run['number']}/report"))["findings"][0]["case"] == "T1"


def test_strangers_see_nothing(
    run: dict[str, Any], books: Books, agency: Caller, officer: Callable[..., Asker], client: FlaskClient
) -> None:
    bound = officer("hoa", agency_code="G22.99")
    for path in (
        f"{RUNS}/{run['number']}",
        f"{RUNS}/{run['number']}/report",
        f"{RUNS}/{run['number']}/report.csv",
    ):
        assert bound.get(path).status_code == 404
        assert client.get(path).status_code == 401
    assert content(bound.get(RUNS))["items"] == []
    assert bound.post(RUNS, {"scope": "bank:sandbox", "day": "2026-03-02"}).status_code == 404
    own = bound.post(RUNS, {"scope": "agency:G22.99", "day": "2026-03-02"})
    assert (own.status_code, content(own)["findings"]) == (200, {"LEDGER_MISSING": 1})
    agency_key = Asker(client, make_key(books.hub, role=Role.AGENCY, holder="it", agency_code="G22.99"))
    refused = agency_key.post(RUNS, {"scope": "agency:G22.99", "day": "2026-03-02"})
    assert (refused.status_code, content(refused)["type"]) == (403, "/problems/forbidden")


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "bank:nobank", "day": "2026-03-02"},
        {"scope": "agency:NOBODY", "day": "2026-03-02"},
        {"scope": "bank:sandbox", "day": "2026-03-03"},
        {"scope": "bank:sandbox", "day": "2026-3-2"},
        {"scope": "bank", "day": "2026-03-02"},
        {"scope": "money:other", "day": "2026-03-02"},
        {"scope": ["bank:sandbox"], "day": 5},
        {"day": "2026-03-02"},
        {"scope": "bank:sandbox", "day": "2026-03-02", "more": 1},
        b"[]",
        b"{",
        b'{"scope": "bank:sandbox\\u0000", "day": "2026-03-02"}',
    ],
)
def test_a_run_of_nothing_is_refused(body: object, books: Books, officer: Callable[..., Asker]) -> None:
    answer = officer("lan").post(RUNS, body)
    assert 400 <= answer.status_code < 500, content(answer)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 15, "9" * 5000, "1.0"])
def test_a_number_that_is_none_is_not_found(number: str, books: Books, officer: Callable[..., Asker]) -> None:
    assert officer("lan").get(f"{RUNS}/{number}").status_code == 404
    assert officer("lan").get(f"{DISCREPANCIES}/{number}").status_code == 404


def test_answers_have_the_shapes_that_the_file_promises(
    run: dict[str, Any], app: Flask, officer: Callable[..., Asker]
) -> None:
    spec = json.loads(app.test_client().get("/openapi.json").data)
    lan = officer("lan")
    for path, declared in (
        (RUNS, RUNS),
        (f"{RUNS}/{run['number']}", RUNS + "/{number}"),
        (f"{RUNS}/{run['number']}/report", RUNS + "/{number}/report"),
        (DISCREPANCIES, DISCREPANCIES),
        (f"{DISCREPANCIES}/1", DISCREPANCIES + "/{number}"),
    ):
        answer = lan.get(path)
        schema = spec["paths"][declared]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": spec["components"]}).validate(content(answer))
