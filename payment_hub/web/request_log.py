"""What happens around every request: its id, one line in the log, the figures."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

from flask import Flask, Response, g, request

from payment_hub.logs import current_request_id, set_request_id
from payment_hub.web.api.limits import add_quota_headers
from payment_hub.web.metrics import count_request

log: Final = logging.getLogger("payment_hub.requests")

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


def surround(app: Flask) -> None:
    """Let every request of the app begin and end here."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        set_request_id(given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8))

    @app.after_request
    def end(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = current_request_id()
        add_quota_headers(answer)
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
