"""How an endpoint is declared: everything about it in one place, and nothing of it twice.

``Door.endpoint`` puts the same order before every view: who asks, with which scope, how often; what comes in, strictly
read; and for a POST, that it is done once. The same declaration is what the OpenAPI file says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, Final, TypeAlias

import flask_smorest
import marshmallow
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from payment_hub.domain import errors
from payment_hub.domain.errors import HubError, UnknownField
from payment_hub.domain.keys import Scope
from payment_hub.web.answers import wanted_version
from payment_hub.web.auth import require_scope
from payment_hub.web.bodies import StrictParser
from payment_hub.web.idempotency import once
from payment_hub.web.problems import PROBLEM_JSON, InternalError, answer_problem, slug_of, status_of
from payment_hub.web.schemas.problems import ProblemSchema

View: TypeAlias = Callable[..., Response]

STRONG: Final = "strong"
EVENTUAL: Final = "eventual"

_ALWAYS: Final = (errors.Unauthenticated, errors.Forbidden, errors.QuotaExceeded, errors.HubUnavailable, InternalError)
_WITH_BODY: Final = (errors.Malformed, errors.MalformedBody, errors.UnsupportedBody, errors.BodyTooLarge)
_WITH_KEY: Final = (errors.MissingIdempotencyKey, errors.IdempotencyConflict, errors.RequestStillRunning)
_WITH_VERSION: Final = (errors.MissingVersion, errors.StaleVersion)


class HubApi(flask_smorest.Api):
    """flask-smorest with our problems in place of its errors."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """What werkzeug refuses, as a problem."""
        return answer_problem(error)


class Door(flask_smorest.Blueprint):
    """The endpoints of one noun."""

    ARGUMENTS_PARSER = StrictParser()
    #: Every endpoint that was declared: ``(blueprint, view, scope)``. Tests walk it.
    declared: ClassVar[list[tuple[str, str, Scope]]] = []

    def endpoint(
        self,
        method: str,
        rule: str,
        *,
        scope: Scope,
        gives: type[marshmallow.Schema],
        statuses: Sequence[int] = (200,),
        takes: type[marshmallow.Schema] | None = None,
        asks: type[marshmallow.Schema] | None = None,
        refuses: Sequence[type[HubError]] = (),
        versioned: bool = False,
        stores_answer: bool = False,
        consistency: str = STRONG,
    ) -> Callable[[View], View]:
        """Declare a view. ``takes`` is the schema of the body, ``asks`` that of the query; their content is the view's
        first argument. ``versioned`` documents If-Match. ``stores_answer``: the operation keeps the answer itself.
        """

        kinds = [*_ALWAYS, *refuses]
        kinds += [*_WITH_BODY] * (takes is not None) + [errors.Malformed] * (asks is not None)
        kinds += [*_WITH_KEY] * (method == "POST") + [*_WITH_VERSION] * versioned
        headers = ["IdempotencyKey"] * (method == "POST") + ["IfMatch"] * versioned

        def declare(view: View) -> View:
            runs = once(view) if method == "POST" and not stores_answer else view
            if takes is not None:
                runs = self.arguments(takes(), location="json", required=bool(takes().fields))(runs)
            if asks is not None:
                runs = self.arguments(asks(), location="query")(runs)
            admitted = _admit(scope, takes_query=asks is not None, versioned=versioned)(runs)
            described = self._described(runs, gives, statuses, kinds)
            admitted._apidoc = self.doc(**_said(scope, consistency, headers))(described)._apidoc  # type: ignore[attr-defined]
            self.declared.append((self.name, view.__name__, scope))
            self.add_url_rule(rule, None, admitted, methods=[method])
            return admitted

        return declare

    def _described(
        self, view: View, gives: type[marshmallow.Schema], statuses: Sequence[int], kinds: Sequence[type[HubError]]
    ) -> View:
        """Only for the file: what is described is not what runs, which has no need to pass through the describing."""
        for status in statuses:
            view = self.response(status, gives)(view)
        for status, those in _by_status(kinds).items():
            words = ", ".join(f"[{slug_of(kind)}](/problems/{slug_of(kind)})" for kind in those)
            view = self.alt_response(status, schema=ProblemSchema, content_type=PROBLEM_JSON, description=words)(view)
        return view


def hang_api(app: Flask, doors: Sequence[flask_smorest.Blueprint]) -> HubApi:
    """Hang the doors of the API on the app, under ``/v1``."""
    api = HubApi(app)
    for door in doors:
        api.register_blueprint(door, url_prefix="/v1")
    return api


def _admit(scope: Scope, *, takes_query: bool, versioned: bool) -> Callable[[View], View]:
    """Let a view be reached only by callers with the scope, and not with a query string that it would ignore."""

    def guard(view: View) -> View:
        @wraps(view)
        def admitted(*args: Any, **named: Any) -> Response:
            require_scope(scope)
            if request.query_string and not takes_query:
                raise UnknownField("this address takes no query parameters")
            if versioned:
                wanted_version()
            return view(*args, **named)

        return admitted

    return guard


def _by_status(kinds: Sequence[type[HubError]]) -> dict[int, list[type[HubError]]]:
    found: dict[int, list[type[HubError]]] = {}
    for kind in dict.fromkeys(kinds):
        found.setdefault(status_of(kind), []).append(kind)
    return dict(sorted(found.items()))


def _said(scope: Scope, consistency: str, headers: Sequence[str]) -> dict[str, Any]:
    """What the OpenAPI file says beside schemas: the scope, the consistency, the headers."""
    said: dict[str, Any] = {
        "security": [{"apiKey": [str(scope)]}],
        "x-scope": str(scope),
        "x-consistency": consistency,
    }
    if headers:
        said["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in headers]
    return said
