"""What goes out: JSON, versions as ETags, pages with a cursor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from flask import Response, request

from payment_hub.domain.errors import MissingVersion
from payment_hub.domain.paging import Page

T = TypeVar("T")

JSON: Final = "application/json"
_VERSION: Final = re.compile(r'"([1-9][0-9]{0,17})"', re.ASCII)


class OnWire(Protocol):
    """A view that knows its form on the wire."""

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        ...


class Versioned(OnWire, Protocol):
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
    answer = Response(text, status, content_type=JSON)
    if headers:
        answer.headers.update(headers)
    return answer


def answer_view(view: OnWire, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One view."""
    return answer_text(as_text(view.as_wire()), status, headers)


def answer_versioned(
    view: Versioned, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """One view, with its version as a strong ETag."""
    return answer_view(view, status, {"ETag": f'"{view.version}"', **(headers or {})})


def answer_page(page: Page[T], wire: Callable[[T], dict[str, Any]]) -> Response:
    """A page of views; ``next`` is the cursor for the page after, or null on the last."""
    return answer_text(as_text({"items": [wire(item) for item in page.items], "next": page.next_cursor}))


def wanted_version() -> int:
    """The version in If-Match: what the caller believes to change. Raises MissingVersion."""
    given = request.headers.get("If-Match")
    if given is None:
        raise MissingVersion('send If-Match with the ETag that you read, such as "3"')
    found = _VERSION.fullmatch(given.strip())
    if found is None:
        raise MissingVersion('If-Match must be one strong ETag, such as "3"')
    return int(found[1])
