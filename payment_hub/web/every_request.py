"""What happens around every request: its id, the security headers, one line in the log, the figures."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

from payment_hub.logs import current_request_id, set_request_id
from payment_hub.web.limits import tell_quota
from payment_hub.web.metrics import count_request

log: Final = logging.getLogger("payment_hub.requests")

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)

#: What every answer says unless a page says otherwise: look at nothing, keep nothing, show it in no frame.
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
)

_HSTS: Final = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def surround(app: Flask, *, https: bool) -> None:
    """Let every request of the app begin and end here. ``https`` adds the promise to stay with it (HSTS)."""
    headers = (*SECURITY_HEADERS, _HSTS) if https else SECURITY_HEADERS

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        set_request_id(given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8))

    @app.after_request
    def end(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = current_request_id()
        for name, value in headers:
            if name not in answer.headers:
                answer.headers[name] = value
        tell_quota(answer)
        _note(answer)
        return answer


def _note(answer: Response) -> None:
    """One line in the log and one count, both by the rule and not by the address, which may hold a token."""
    seconds = time.perf_counter() - g.began
    route = request.url_rule.rule if request.url_rule else "none"
    caller = g.get("caller")
    method = request.method if request.method in _METHODS else "other"
    count_request(route, method, answer.status_code, seconds)
    log.info(
        "request",
        extra={
            "method": method,
            "route": route,
            "status": answer.status_code,
            "milliseconds": round(seconds * 1000),
            "caller": caller.name if caller else None,
            "address": request.remote_addr,
            "problem": g.get("problem"),
        },
    )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
