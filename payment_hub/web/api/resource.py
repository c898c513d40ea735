"""What is declared of an endpoint, once: the door enforces it, and the OpenAPI file says it.

The layer over flask-smorest: the same order stands before every view, and strangers' errors are our problems.

Who asks, with which scope, how often; what comes in, strictly read; and for a POST, that it is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Final

import flask_smorest
from flask import Flask, Response, request
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from payment_hub.domain import errors
from payment_hub.domain.access import Scope
from payment_hub.domain.errors import HubError, UnknownField
from payment_hub.web.api.answers import wanted_version
from payment_hub.web.api.auth import require_scope
from payment_hub.web.api.errors import PROBLEM_JSON, InternalError, answer_problem, slug_of, status_of
from payment_hub.web.api.fields import ProblemSchema
from payment_hub.web.api.idempotency import once
from payment_hub.web.api.openapi import complete, spec_options
from payment_hub.web.api.requests import View, with_body, with_query

STRONG: Final = "strong"
EVENTUAL: Final = "eventual"

Kinds = tuple[type[HubError], ...]

_ALWAYS: Final[Kinds] = (
    errors.Unauthenticated,
    errors.Forbidden,
    errors.QuotaExceeded,
    errors.HubUnavailable,
    InternalError,
)
_WITH_BODY: Final[Kinds] = (
    errors.Malformed,
    errors.UnknownField,
    errors.MalformedBody,
    errors.UnsupportedBody,
    errors.BodyTooLarge,
)
_WITH_QUERY: Final[Kinds] = (errors.Malformed, errors.UnknownField)
_WITH_KEY: Final[Kinds] = (
    errors.MissingIdempotencyKey,
    errors.IdempotencyConflict,
    errors.RequestStillRunning,
)
_WITH_VERSION: Final[Kinds] = (errors.MissingVersion, errors.StaleVersion)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address."""

    method: str
    rule: str
    scope: Scope
    gives: type[Schema] | None = None
    """The shape of the answer, or nothing when it is text of another kind."""
    content_type: str = "application/json"
    statuses: Sequence[int] = (200,)
    """Of an answer that is no refusal."""
    takes: type[Schema] | None = None
    """The shape of the body. What was read of it is the view's first argument."""
    asks: type[Schema] | None = None
    """The shape of the query. What was read of it is the view's first argument."""
    refuses: Kinds = ()
    """Refusals of its own, beside those that follow from the rest."""
    versioned: bool = False
    """It needs If-Match."""
    tagged: bool = False
    """Its answer carries a version as ETag."""
    stores_answer: bool = False
    """The operation itself keeps the answer for the idempotency key, in the commit of what was asked."""
    consistency: str = STRONG

    @property
    def is_post(self) -> bool:
        """It needs an Idempotency-Key."""
        return self.method == "POST"

    def refusals(self) -> dict[int, list[type[HubError]]]:
        """Everything that it may refuse, by status."""
        kinds = [*_ALWAYS, *self.refuses]
        kinds += _WITH_BODY if self.takes else ()
        kinds += _WITH_QUERY if self.asks else ()
        kinds += _WITH_KEY if self.is_post else ()
        kinds += _WITH_VERSION if self.versioned else ()
        found: dict[int, list[type[HubError]]] = {}
        for kind in dict.fromkeys(kinds):
            found.setdefault(status_of(kind), []).append(kind)
        return found

    def said(self) -> dict[str, Any]:
        """What the OpenAPI file says beside the schemas."""
        said: dict[str, Any] = {
            "security": [{"apiKey": [str(self.scope)]}],
            "x-scope": str(self.scope),
            "x-consistency": self.consistency,
        }
        headers = ["IdempotencyKey"] * self.is_post + ["IfMatch"] * self.versioned
        return said | ({"parameters": headers} if headers else {})

    def headers(self) -> dict[str, Any]:
        """The headers of its answer."""
        named = ["ETag"] * self.tagged + ["Idempotent-Replayed", "Idempotency-Key-Expires-In"] * self.is_post
        return {name: {"$ref": f"#/components/headers/{name}"} for name in named}


class HubApi(flask_smorest.Api):
    """flask-smorest with our problems in place of its errors."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_pagination_header(self) -> None:
        """Pages carry their cursor in the body; the library's own header is not used."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """What werkzeug refuses, as a problem."""
        return answer_problem(error)


class Resource(flask_smorest.Blueprint):
    """The endpoints of one noun."""

    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING: ClassVar = {"json": "application/json"}

    def serve(self, endpoint: Endpoint) -> Callable[[View], View]:
        """Put a view behind the door, as it was declared."""

        def declare(view: View) -> View:
            runs = once(view) if endpoint.is_post and not endpoint.stores_answer else view
            if endpoint.takes is not None:
                runs = with_body(endpoint.takes(), runs)
            if endpoint.asks is not None:
                runs = with_query(endpoint.asks(), runs)
            admitted = _authorize(endpoint, runs)
            # What is described is not what runs: a request has no need to pass through the describing.
            admitted._apidoc = self._described(endpoint, view)._apidoc  # type: ignore[attr-defined]
            self.add_url_rule(endpoint.rule, None, admitted, methods=[endpoint.method])
            return admitted

        return declare

    def _described(self, endpoint: Endpoint, view: View) -> View:
        name = view.__name__
        if endpoint.takes is not None:
            body = endpoint.takes()
            view = self.arguments(body, location="json", required=bool(body.fields))(view)
        if endpoint.asks is not None:
            view = self.arguments(endpoint.asks(), location="query")(view)
        answer = {"content_type": endpoint.content_type, "headers": endpoint.headers()}
        for status in endpoint.statuses:
            view = self.response(status, endpoint.gives or {"type": "string"}, **answer)(view)
        for status, kinds in endpoint.refusals().items():
            words = ", ".join(f"[{slug_of(kind)}](/problems/{slug_of(kind)})" for kind in kinds)
            shape = {"schema": ProblemSchema, "content_type": PROBLEM_JSON, "description": words}
            view = self.alt_response(status, **shape)(view)
        operation_id = f"{self.name}_{name}".replace("-", "_").rstrip("_")
        described: View = self.doc(operationId=operation_id, **endpoint.said())(view)
        return described


def register_api(app: Flask, doors: Sequence[Resource]) -> HubApi:
    """Hang the doors of the API on the app, under ``/v1``."""
    api = HubApi(app, spec_kwargs=spec_options())
    complete(api)
    for door in doors:
        api.register_blueprint(door, url_prefix="/v1")
    return api


def _authorize(endpoint: Endpoint, view: View) -> View:
    """Let a view be reached only by callers with the scope, and not with a query string that it would ignore."""

    @wraps(view)
    def admitted(*args: Any, **named: Any) -> Response:
        require_scope(endpoint.scope)
        if request.query_string and endpoint.asks is None:
            raise UnknownField("this address takes no query parameters")
        if endpoint.versioned:
            wanted_version()
        return view(*args, **named)

    return admitted
