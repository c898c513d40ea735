"""What goes out: JSON, versions as ETags, pages with a cursor."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, Protocol

from flask import Response, request

from payment_hub.domain.errors import MissingVersion
from payment_hub.domain.wire import to_wire

JSON: Final = "application/json"
_VERSION: Final = re.compile(r'"([1-9][0-9]{0,17})"', re.ASCII)


class Versioned(Protocol):
    """A view with a version for If-Match."""

    @property
    def version(self) -> int:
        """The version; every change raises it."""
        ...


def as_text(wire: object) -> str:
    """Compact JSON."""
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))


def answer_text(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON text as it is."""
    response = Response(text, status, content_type=JSON)
    response.headers.update(headers or {})
    return response


def answer(view: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A view, or a page of views: any dataclass that is shown."""
    return answer_text(as_text(to_wire(view)), status, headers)


def answer_versioned(
    view: Versioned, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A view with its version as a strong ETag."""
    return answer(view, status, {"ETag": f'"{view.version}"', **(headers or {})})


def if_match_version() -> int:
    """The version in If-Match, which the caller read. Raises MissingVersion."""
    given = request.headers.get("If-Match")
    if given is None:
        raise MissingVersion('send If-Match with the ETag that you read, such as "3"')
    version = _VERSION.fullmatch(given.strip())
    if version is None:
        raise MissingVersion('If-Match must be one strong ETag, such as "3"')
    return int(version[1])
