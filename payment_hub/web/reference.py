"""The reference for developers: the OpenAPI file, and the page that draws it from files of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, current_app, render_template, send_from_directory

from payment_hub.domain.errors import PageNotFound
from payment_hub.web.answers import answer_text
from payment_hub.web.openapi import openapi_text
from payment_hub.web.pages import answer_html

door: Final = Blueprint("reference", __name__)

_STATIC: Final = Path(__file__).parent / "static"
_SERVED: Final = {
    "swagger-ui-bundle.js": ("swagger-ui", "text/javascript"),
    "swagger-ui.css": ("swagger-ui", "text/css"),
    "reference.js": ("pages", "text/javascript"),
    "pages.css": ("pages", "text/css"),
}
_TEXT: Final = "payment_hub.openapi_text"


@door.get("/openapi.json")
def file() -> Response:
    """The OpenAPI file, written once in a process's life."""
    text = current_app.extensions.get(_TEXT) or openapi_text(current_app)
    current_app.extensions[_TEXT] = text
    return answer_text(text)


@door.get("/docs")
def page() -> Response:
    """The reference page."""
    return answer_html(render_template("pages/reference.html"))


@door.get("/docs/<name>")
def part(name: str) -> Response:
    """A script or style of the pages. Raises PageNotFound for any other file."""
    if name not in _SERVED:
        raise PageNotFound
    folder, kind = _SERVED[name]
    answer = send_from_directory(_STATIC / folder, name, mimetype=kind, max_age=3600)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
