"""Pages for developers: how their HTML goes out, and the style they share.

A page about each refusal, at the address that its ``type`` names: HTML for people, JSON for machines.

The reference for developers: the OpenAPI file, and the page that draws it from files of our own.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, current_app, render_template, request, send_from_directory

from payment_hub.domain.errors import HubError, PageNotFound
from payment_hub.web.api.answers import answer_text, as_text
from payment_hub.web.api.errors import RETRY_AFTER, every_problem, slug_of, status_of, title_of
from payment_hub.web.api.openapi import openapi_text

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


problem_blueprint: Final = Blueprint("problems", __name__, url_prefix="/problems")


@problem_blueprint.get("")
def list_problems() -> Response:
    """Every refusal."""
    return _answer("problems.html", problems=[_described(kind) for kind in every_problem().values()])


@problem_blueprint.get("/<slug>")
def show_problem(slug: str) -> Response:
    """One refusal. Raises PageNotFound."""
    kind = every_problem().get(slug)
    if kind is None:
        raise PageNotFound("there is no such problem")
    return _answer("problem.html", **_described(kind))


def _described(kind: type[HubError]) -> dict[str, Any]:
    """A problem as its page shows it: from its docstring and the tables of statuses."""
    _, _, more = inspect.cleandoc(kind.__doc__ or "").partition("\n")
    return {
        "type": f"/problems/{slug_of(kind)}",
        "slug": slug_of(kind),
        "status": status_of(kind),
        "title": title_of(kind),
        "title_vi": title_of(kind, "vi"),
        "more": more.strip(),
        "retry_after": RETRY_AFTER.get(kind),
    }


def _answer(template: str, **context: Any) -> Response:
    accepted = request.accept_mimetypes.best_match(
        ("application/json", "text/html"), default="application/json"
    )
    if accepted == "text/html":
        return answer_html(render_template(f"pages/{template}", **context))
    return answer_text(as_text(context))


blueprint: Final = Blueprint("reference", __name__)

_STATIC: Final = Path(__file__).parent / "static"
_SERVED: Final = {
    "swagger-ui-bundle.js": ("swagger-ui", "text/javascript"),
    "swagger-ui.css": ("swagger-ui", "text/css"),
    "reference.js": ("pages", "text/javascript"),
    "pages.css": ("pages", "text/css"),
}
_TEXT: Final = "payment_hub.openapi_text"


@blueprint.get("/openapi.json")
def file() -> Response:
    """The OpenAPI file, written once in a process's life."""
    text = current_app.extensions.get(_TEXT) or openapi_text(current_app)
    current_app.extensions[_TEXT] = text
    return answer_text(text)


@blueprint.get("/docs")
def page() -> Response:
    """The reference page."""
    return answer_html(render_template("pages/reference.html"))


@blueprint.get("/docs/<name>")
def part(name: str) -> Response:
    """A script or style of the pages. Raises PageNotFound for any other file."""
    if name not in _SERVED:
        raise PageNotFound
    folder, kind = _SERVED[name]
    answer = send_from_directory(_STATIC / folder, name, mimetype=kind, max_age=3600)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
