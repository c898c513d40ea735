"""A page about each refusal, at the address that its ``type`` names: HTML for people, JSON for machines."""

from __future__ import annotations

import inspect
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from payment_hub.domain.errors import HubError, PageNotFound
from payment_hub.web.answers import answer_text, as_text
from payment_hub.web.pages import answer_html
from payment_hub.web.problems import RETRY_AFTER, every_problem, slug_of, status_of, title_of

door: Final = Blueprint("problems", __name__, url_prefix="/problems")


@door.get("")
def list_() -> Response:
    """Every refusal."""
    return _answer("problems.html", problems=[_told(kind) for kind in every_problem().values()])


@door.get("/<slug>")
def show(slug: str) -> Response:
    """One refusal. Raises PageNotFound."""
    kind = every_problem().get(slug)
    if kind is None:
        raise PageNotFound("there is no such problem")
    return _answer("problem.html", **_told(kind))


def _told(kind: type[HubError]) -> dict[str, Any]:
    """What is known of a class of refusals: from its docstring and the tables of statuses."""
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


def _answer(template: str, **told: Any) -> Response:
    wanted = request.accept_mimetypes.best_match(
        ("application/json", "text/html"), default="application/json"
    )
    if wanted == "text/html":
        return answer_html(render_template(f"pages/{template}", **told))
    return answer_text(as_text(told))
