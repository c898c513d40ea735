"""Every refusal is a problem with a stable type, and every type has a page."""

from __future__ import annotations

import json
from typing import Final

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import BadGateway, BadRequest, RequestEntityTooLarge, RequestURITooLarge

from payment_hub.domain.errors import HubError, HubUnavailable
from payment_hub.web.api.errors import answer_problem, every_problem, slug_of, status_of, title_of
from tests.web.conftest import FINE, Asker


def _leaves(kind: type[HubError]) -> list[type[HubError]]:
    below = [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]
    return [kind, *below] if kind is not HubError else below


@pytest.mark.parametrize("kind", _leaves(HubError), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_status_and_a_title_in_two_languages(kind: type[HubError]) -> None:
    assert 400 <= status_of(kind) <= 599
    assert title_of(kind).endswith(".")
    assert title_of(kind, "vi").endswith(".")
    assert title_of(kind, "vi") != title_of(kind)


def test_every_type_leads_to_a_page(client: FlaskClient) -> None:
    for slug in every_problem():
        told = client.get(f"/problems/{slug}").json
        assert told is not None
        assert told["type"] == f"/problems/{slug}"
        page = client.get(f"/problems/{slug}", headers={"Accept": "text/html"})
        assert page.content_type == "text/html; charset=utf-8"
        assert told["title"] in page.text.replace("&#39;", "'")


def test_a_refusal_says_everything_that_a_caller_needs(agency: Asker) -> None:
    answer = agency.post(
        "/v1/obligations", FINE | {"amount": 1, "extra": 1}, headers={"X-Request-Id": "ask-1"}
    )
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json == {
        "type": "/problems/malformed",
        "title": "The request has a form that cannot be accepted.",
        "status": 422,
        "detail": answer.json and answer.json["detail"],
        "instance": "/v1/obligations",
        "request_id": "ask-1",
        "errors": [
            {
                "pointer": "/amount",
                "detail": 'Must be an object such as {"amount": "150000", "currency": "VND"}.',
            },
            {"pointer": "/extra", "detail": "Unknown field."},
        ],
    }


def test_a_refusal_speaks_vietnamese_when_asked(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.5"})
    assert answer.json is not None
    assert answer.json["title"] == "Không có trang nào ở địa chỉ này."
    assert answer.headers["Content-Language"] == "vi"


def test_pointers_escape_what_json_pointer_escapes(agency: Asker) -> None:
    answer = agency.post("/v1/obligations", FINE | {"a/b~c": 1})
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/a~1b~0c"
    assert answer.json["type"] == "/problems/unknown-field"


REFUSED: Final = [
    ("GET", "/nowhere", 404, "page-not-found"),
    ("GET", "/v1/nowhere", 404, "page-not-found"),
    ("GET", "/problems/nothing", 404, "page-not-found"),
    ("DELETE", "/v1/obligations", 405, "method-refused"),
    ("TRACE", "/v1/obligations", 405, "method-refused"),
    ("OPTIONS", "/v1/obligations", 405, "method-refused"),
    ("BREW", "/health/live", 405, "method-refused"),
    ("GET", "//v1//obligations", 404, "page-not-found"),
    ("GET", "/callbacks/nobank", 404, "bank-not-found"),
    ("GET", "/metrics", 404, "page-not-found"),
]


def test_what_the_framework_refuses_is_a_problem_too(client: FlaskClient) -> None:
    for method, path, status, slug in REFUSED:
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), path
        assert json.loads(answer.data)["type"] == f"/problems/{slug}"
        assert ("Allow" in answer.headers) == (status == 405)


def test_an_unexpected_error_gives_an_incident_and_nothing_more(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/boom")
    def boom() -> str:
        raise ValueError("the secret is hunter2")

    answer = client.get("/boom")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "ValueError" not in answer.text
    assert answer.json is not None
    incident = answer.json["detail"].removeprefix("incident ")
    assert incident in [getattr(record, "incident", None) for record in caplog.records]


def test_what_werkzeug_raises_on_its_own_has_its_own_type(app: Flask) -> None:
    expected = {
        RequestEntityTooLarge: (413, "body-too-large"),
        BadRequest: (400, "unreadable-request"),
        RequestURITooLarge: (400, "unreadable-request"),
        BadGateway: (500, "internal-error"),
    }
    with app.test_request_context("/v1/obligations"):
        for raised, (status, slug) in expected.items():
            answer = answer_problem(raised())
            assert (answer.status_code, json.loads(answer.data)["type"]) == (status, f"/problems/{slug}")


def test_a_database_that_is_away_is_503_with_retry_after(app: Flask) -> None:
    with app.test_request_context("/v1/obligations"):
        answer = answer_problem(HubUnavailable("the database cannot be reached"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert slug_of(HubUnavailable) == "hub-unavailable"


def test_a_request_id_that_is_not_safe_is_replaced(client: FlaskClient) -> None:
    for given in ("", "x" * 65, "a b", "a\x7f", "é", "<script>", "1;2"):
        answer = client.get("/health/live", headers={"X-Request-Id": given.encode().decode("latin-1")})
        assert answer.headers["X-Request-Id"] != given
        assert len(answer.headers["X-Request-Id"]) == 16


def test_every_answer_carries_the_security_headers(client: FlaskClient) -> None:
    for path in ("/health/live", "/v1/obligations", "/nowhere", "/docs", "/problems"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"].startswith("max-age=63072000")
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
