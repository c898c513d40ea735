"""Pages for developers: how their HTML goes out, and the style they share."""

from __future__ import annotations

from typing import Final

from flask import Response

#: Own files only; no script or style inside a page.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def answer_html(html: str) -> Response:
    """A page under the strict policy for pages."""
    answer = Response(html, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = PAGE_POLICY
    return answer
