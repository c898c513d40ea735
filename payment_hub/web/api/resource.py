"""What is declared of an endpoint, once: requests are held to it, and the OpenAPI file describes it.

The layer over flask-smorest: the same steps come before every view, and the errors of other libraries become problems.
Each request is identified, checked for its scope and counted; then its query and body are read strictly; a POST is done
once for each Idempotency-Key.
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
from payment_hub.web.api.answers import if_match_version
from payment_hub.web.api.auth import require_scope
from payment_hub.web.api.errors import (
    PROBLEM_JSON,
    InternalError,
    Problem,
    answer_problem,
    slug_of,
    status_of,
)
from payment_hub.web.api.idempotency import once
from payment_hub.web.api.openapi import complete, spec_options
from payment_hub.web.api.requests import View, with_body, with_query
from payment_hub.web.api.schemas import schema_of

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
    gives: Any = None
    """The dataclass of the answer, or a ``Page`` of one; nothing when the answer is text of another kind."""
    content_type: str = "application/json"
    statuses: Sequence[int] = (200,)
    """Of a successful answer."""
    takes: type[Schema] | None = None
    """The schema of the body, which becomes the view's first argument."""
    query: type[Schema] | None = None
    """The schema of the query, which becomes the view's first argument."""
    refuses: Kinds = ()
    """Problems of its own, beside those that follow from the rest."""
    versioned: bool = False
    """It needs If-Match."""
    tagged: bool = False
    """Its answer carries a version as ETag."""
    stores_answer: bool = False
    """The operation itself keeps the answer for the idempotency key, in its own commit."""
    consistency: str = STRONG

    @property
    def is_post(self) -> bool:
        """It needs an Idempotency-Key."""
        return self.method == "POST"

    def problems(self) -> dict[int, list[type[HubError]]]:
        """Every problem that it may answer, by status."""
        kinds = [*_ALWAYS, *self.refuses]
        kinds += _WITH_BODY if self.takes else ()
        kinds += _WITH_QUERY if self.query else ()
        kinds += _WITH_KEY if self.is_post else ()
        kinds += _WITH_VERSION if self.versioned else ()
        by_status: dict[int, list[type[HubError]]] = {}
        for kind in dict.fromkeys(kinds):
            by_status.setdefault(status_of(kind), []).append(kind)
        return by_status


class HubApi(flask_smorest.Api):
    """flask-smorest with our problems in place of its errors."""

    ERROR_SCHEMA = schema_of(Problem)
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
        """Let a view answer an endpoint."""

        def register(view: View) -> View:
            served = self._served(endpoint, view)
            # What is described is not what runs: a request has no need to pass through the describing.
            served._apidoc = self._described(endpoint, view)._apidoc  # type: ignore[attr-defined]
            self.add_url_rule(endpoint.rule, None, served, methods=[endpoint.method])
            return served

        return register

    def _served(self, endpoint: Endpoint, view: View) -> View:
        """The view behind everything that its endpoint declares, the first step outermost."""
        if endpoint.is_post and not endpoint.stores_answer:
            view = once(view)
        if endpoint.takes is not None:
            view = with_body(endpoint.takes(), view)
        if endpoint.query is not None:
            view = with_query(endpoint.query(), view)
        read = view

        @wraps(view)
        def serve(*args: Any, **named: Any) -> Response:
            require_scope(endpoint.scope)
            if request.query_string and endpoint.query is None:
                raise UnknownField("this address takes no query parameters")
            if endpoint.versioned:
                if_match_version()
            return read(*args, **named)

        return serve

    def _described(self, endpoint: Endpoint, view: View) -> View:
        """The view with everything that the OpenAPI file says of its endpoint."""
        operation_id = f"{self.name}_{view.__name__}".replace("-", "_").rstrip("_")
        if endpoint.takes is not None:
            body = endpoint.takes()
            view = self.arguments(body, location="json", required=bool(body.fields))(view)
        if endpoint.query is not None:
            view = self.arguments(endpoint.query(), location="query")(view)
        headers = ["ETag"] * endpoint.tagged
        headers += ["Idempotent-Replayed", "Idempotency-Key-Expires-In"] * endpoint.is_post
        for status in endpoint.statuses:
            view = self.response(
                status,
                {"type": "string"} if endpoint.gives is None else schema_of(endpoint.gives),
                content_type=endpoint.content_type,
                headers={name: {"$ref": f"#/components/headers/{name}"} for name in headers},
            )(view)
        for status, kinds in endpoint.problems().items():
            links = ", ".join(f"[{slug_of(kind)}](/problems/{slug_of(kind)})" for kind in kinds)
            shape = {"schema": schema_of(Problem), "content_type": PROBLEM_JSON, "description": links}
            view = self.alt_response(status, **shape)(view)
        parameters = ["IdempotencyKey"] * endpoint.is_post + ["IfMatch"] * endpoint.versioned
        notes: dict[str, Any] = {
            "security": [{"apiKey": [str(endpoint.scope)]}],
            "x-scope": str(endpoint.scope),
            "x-consistency": endpoint.consistency,
        }
        if parameters:
            notes["parameters"] = parameters
        described: View = self.doc(operationId=operation_id, **notes)(view)
        return described


def register_api(app: Flask, resources: Sequence[Resource]) -> HubApi:
    """Register the resources of the API on the app, under ``/v1``."""
    api = HubApi(app, spec_kwargs=spec_options())
    complete(api)
    for resource in resources:
        api.register_blueprint(resource, url_prefix="/v1")
    return api
