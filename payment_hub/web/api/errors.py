"""Refusals become application/problem+json (RFC 9457). The only module that knows the statuses of errors.

A problem's title in English is the first line of its class's docstring; its translations stand in ``web/texts``.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from flask import Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from payment_hub.domain import errors
from payment_hub.domain.errors import HubError
from payment_hub.domain.wire import Shown, to_wire
from payment_hub.logs import current_request_id
from payment_hub.web.texts import LANGUAGES

log: Final = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """One thing that is wrong, and where."""

    pointer: Annotated[
        str | None, Shown(optional=True, description="JSON pointer into the body", example="/amount/amount")
    ]
    parameter: Annotated[str | None, Shown(optional=True, description="Name of a query parameter")]
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Shown(description="Stable; a page about it stands at this address.")]
    title: str
    status: int
    detail: Annotated[str | None, Shown(optional=True)]
    instance: str
    request_id: str
    errors: Annotated[tuple[WrongPlace, ...] | None, Shown(optional=True)]


class MethodRefused(HubError):
    """This address does not answer that method."""


class UnreadableRequest(HubError):
    """The request is not proper HTTP, or its address is not one of ours."""


class InternalError(HubError):
    """Something went wrong in the hub. The incident is recorded; the request may be sent again."""


#: Statuses by family: a class without a line of its own has that of its nearest parent that has one.
STATUSES: Final[Mapping[type[HubError], int]] = {
    errors.Malformed: 422,
    errors.UnsupportedBody: 415,
    errors.BodyTooLarge: 413,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IdempotencyConflict: 422,
    errors.StaleVersion: 412,
    errors.RefundableChanged: 412,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.CallbackRejected: 401,
    errors.QuotaExceeded: 429,
    errors.MissingIdempotencyKey: 400,
    errors.MissingVersion: 428,
    errors.BankUnavailable: 503,
    errors.HubUnavailable: 503,
    MethodRefused: 405,
    UnreadableRequest: 400,
    InternalError: 500,
}

#: Seconds after which it makes sense to ask again.
RETRY_AFTER: Final[Mapping[type[HubError], int]] = {
    errors.RequestStillRunning: 1,
    errors.BankUnavailable: 30,
    errors.CircuitOpen: 30,
    errors.HubUnavailable: 5,
}


def status_of(kind: type[HubError]) -> int:
    """The HTTP status of a class of refusals. Raises LookupError for a class without a family."""
    return next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)


def slug_of(kind: type[HubError]) -> str:
    """The last part of the problem's type: ``OpenOrderExists`` is ``open-order-exists``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def title_of(kind: type[HubError], language: str = "en") -> str:
    """The first sentence of the class's docstring, or its translation."""
    return LANGUAGES[language].translate((kind.__doc__ or "").strip().partition("\n")[0])


def every_problem() -> dict[str, type[HubError]]:
    """Every class of refusals by its slug: what ``/problems`` explains."""
    kinds: dict[str, type[HubError]] = {}
    waiting = [HubError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if any(parent in STATUSES for parent in kind.__mro__):
            kinds[slug_of(kind)] = kind
    return dict(sorted(kinds.items()))


def requested_language() -> str:
    """The language that the caller prefers by Accept-Language; English unless another of ours is preferred."""
    return request.accept_languages.best_match(sorted(LANGUAGES), default="en")


def answer_problem(error: Exception) -> Response:
    """The answer to anything that was raised, whatever it was."""
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException):
        headers = _allow(error)
        refused = _translated(error)
    else:
        refused = error if isinstance(error, HubError) else _recorded(error)
    return _problem(refused, headers)


def _problem(refused: HubError, headers: dict[str, str]) -> Response:
    kind = type(refused)
    status = status_of(kind)
    language = requested_language()
    g.problem = slug_of(kind)
    problem = Problem(
        type=f"/problems/{slug_of(kind)}",
        title=title_of(kind, language),
        status=status,
        detail=refused.detail or None,
        instance=request.path,
        request_id=current_request_id(),
        errors=tuple(_wrong_place(*wrong) for wrong in refused.pointers.items()) or None,
    )
    answer = Response(json.dumps(to_wire(problem)), status, content_type=PROBLEM_JSON)
    answer.headers.update(headers)
    answer.headers["Content-Language"] = language
    if kind in RETRY_AFTER:
        answer.headers["Retry-After"] = str(RETRY_AFTER[kind])
    if isinstance(refused, errors.Unauthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="payment hub"'
    return answer


def _wrong_place(place: str, detail: str) -> WrongPlace:
    in_body = place == "" or place.startswith("/")
    return WrongPlace(place if in_body else None, None if in_body else place, detail)


def _translated(error: HTTPException) -> HubError:
    """What werkzeug and Flask refuse on their own, in our words."""
    match error:
        case NotFound():
            return errors.PageNotFound()
        case MethodNotAllowed():
            return MethodRefused(f"{request.method[:10]} is not answered here")
        case RequestEntityTooLarge():
            return errors.BodyTooLarge()
        case HTTPException(code=code) if code is not None and 400 <= code < 500:
            return UnreadableRequest()
        case _:
            return _recorded(error)


def _allow(error: HTTPException) -> dict[str, str]:
    methods = getattr(error, "valid_methods", None)
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _recorded(error: Exception) -> InternalError:
    """Write what happened to the log; the caller gets a number to ask with, and nothing more."""
    incident = secrets.token_hex(8)
    log.error("unexpected_error", exc_info=error, extra={"incident": incident})
    return InternalError(f"incident {incident}")
