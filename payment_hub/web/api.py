"""The layer over flask-smorest: the same order stands before every view, and strangers' errors are our problems.

Who asks, with which scope, how often; what comes in, strictly read; and for a POST, that it is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar

import flask_smorest
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from payment_hub.domain.errors import UnknownField
from payment_hub.web.answers import wanted_version
from payment_hub.web.auth import require_scope
from payment_hub.web.bodies import View, with_body, with_query
from payment_hub.web.endpoints import Endpoint
from payment_hub.web.idempotency import once
from payment_hub.web.openapi import complete, spec_options
from payment_hub.web.problems import PROBLEM_JSON, answer_problem, slug_of
from payment_hub.web.schemas.problems import ProblemSchema


class HubApi(flask_smorest.Api):
    """flask-smorest with our problems in place of its errors."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_pagination_header(self) -> None:
        """Pages carry their cursor in the body; the library's own header is not used."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """What werkzeug refuses, as a problem."""
        return answer_problem(error)


class Door(flask_smorest.Blueprint):
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
            admitted = _admit(endpoint, runs)
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


def hang_api(app: Flask, doors: Sequence[Door]) -> HubApi:
    """Hang the doors of the API on the app, under ``/v1``."""
    api = HubApi(app, spec_kwargs=spec_options())
    complete(api)
    for door in doors:
        api.register_blueprint(door, url_prefix="/v1")
    return api


def _admit(endpoint: Endpoint, view: View) -> View:
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
