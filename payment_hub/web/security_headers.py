"""The headers that keep a browser from doing more with an answer than we meant. On every answer, whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

#: What an answer says unless it says otherwise itself: look at nothing, keep nothing, show it in no frame.
SECURITY_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "hub"),
)

#: Where the hub is reached by https: a promise to stay with it for two years.
HSTS: Final = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_security_headers(app: Wsgi, *, https: bool) -> Wsgi:
    """The same app, whose every answer carries the headers that it lacks."""
    usual = [(name, value, name.lower()) for name, value in (*SECURITY_HEADERS, *[HSTS] * https)]

    def guarded(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value, lower in usual if lower not in said]
            return start(status, [*headers, *missing], *failure)

        return app(environ, begin)

    return guarded
