"""What comes in: bodies and query strings, read without doubt or refused.

The usual parsers of arguments ignore a body of another content type, keep the last of two equal names, turn ``NaN``
into a float, and answer 500 to a deep or a many-digit document. Here every one of them is a 4xx with the place named.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

import marshmallow
from flask import Request, Response, request

from payment_hub.domain.errors import BodyTooLarge, Malformed, UnknownField, UnsupportedBody
from payment_hub.domain.strict_json import read_json

View: TypeAlias = Callable[..., Response]

API_BODY_BYTES: Final = 64 * 1024
CALLBACK_BODY_BYTES: Final = 256 * 1024

_UTF_8: Final = frozenset({"utf-8", "utf8"})


def raw_body(limit: int) -> bytes:
    """The body's bytes as they were sent. Raises BodyTooLarge above ``limit`` bytes, without reading much further."""
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"at most {limit} bytes")
    # A body in chunks does not say its length, and is cut off at the limit: one byte more shows that it was longer.
    request.max_content_length = limit + 1
    body = request.get_data()
    if len(body) > limit:
        raise BodyTooLarge(f"at most {limit} bytes")
    return body


def json_body() -> object:
    """The body as JSON; an empty body is an empty object. Raises UnsupportedBody, BodyTooLarge, MalformedBody."""
    body = raw_body(API_BODY_BYTES)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedBody("send it without Content-Encoding")
    if not body:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedBody(f"not {request.mimetype[:60]!r}")
    if request.mimetype_params.get("charset", "utf-8").lower() not in _UTF_8:
        raise UnsupportedBody("send it in UTF-8")
    return read_json(body)


def query_of(received: Request) -> dict[str, str]:
    """The query string, each name once. Raises UnknownField for a name that is given twice, Malformed for bad text."""
    query: dict[str, str] = {}
    for name, value in received.args.items(multi=True):
        if name in query:
            raise Malformed("a parameter is repeated", pointers={_safe(name): "given more than once"})
        if "\x00" in value or "�" in value:
            raise Malformed("a parameter is not text", pointers={_safe(name): "has a NUL or is not UTF-8"})
        query[name] = value
    return query


def with_body(schema: marshmallow.Schema, view: View) -> View:
    """Give ``view`` the body, read by ``schema``, as its next argument."""

    @wraps(view)
    def read(*args: Any, **named: Any) -> Response:
        return view(*args, _loaded(schema, json_body(), "/"), **named)

    return read


def with_query(schema: marshmallow.Schema, view: View) -> View:
    """Give ``view`` the query string, read by ``schema``, as its next argument."""

    @wraps(view)
    def read(*args: Any, **named: Any) -> Response:
        return view(*args, _loaded(schema, query_of(request), ""), **named)

    return read


def _loaded(schema: marshmallow.Schema, given: object, root: str) -> Any:
    """What was given, by the schema. Every wrong place is named by its JSON pointer, or a parameter by its name."""
    try:
        return schema.load(given, unknown=marshmallow.RAISE)  # type: ignore[arg-type]
    except marshmallow.ValidationError as error:
        places = dict(_places(error.normalized_messages(), root))  # type: ignore[no-untyped-call]
    kind = UnknownField if set(places.values()) == {_UNKNOWN} else Malformed
    raise kind(
        "; ".join(f"{where or 'body'}: {what}" for where, what in places.items())[:500], pointers=places
    )


_UNKNOWN: Final = marshmallow.Schema.error_messages.get("unknown", "Unknown field.")


def _places(messages: object, prefix: str) -> list[tuple[str, str]]:
    """Flatten marshmallow's nested messages: ``{"amount": {"amount": ["..."]}}`` is at ``/amount/amount``."""
    if not isinstance(messages, dict):
        texts = messages if isinstance(messages, list) else [messages]
        return [(prefix.rstrip("/"), " ".join(str(word) for word in texts))]
    flat: list[tuple[str, str]] = []
    for name, inner in messages.items():
        step = "" if name == "_schema" else _safe(str(name)).replace("~", "~0").replace("/", "~1")
        joined = prefix + step + ("/" if prefix and step else "")
        flat += [(place.rstrip("/"), what) for place, what in _places(inner, joined)]
    return flat


def _safe(name: str) -> str:
    """The name of an unknown field, short and printable enough to be repeated."""
    return name[:80].encode("ascii", "backslashreplace").decode()
