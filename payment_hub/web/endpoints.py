"""What is declared of an endpoint, once: the door enforces it, and the OpenAPI file says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema

from payment_hub.domain import errors
from payment_hub.domain.errors import HubError
from payment_hub.domain.keys import Scope
from payment_hub.web.problems import InternalError, status_of

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
