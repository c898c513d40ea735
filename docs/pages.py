"""The pages that are made from the code: settings, banks, problems, lifecycles. ``make docs`` writes them.

Each function returns the whole text of one page; a test in `tests/rules` compares it with the file, so a page cannot
describe what the code does not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import reconciliation.domain.errors  # its errors are on the page of the hub's
from docs.banks import banks_page
from docs.markdown import page, table
from payment_hub.app import describe_api
from payment_hub.domain.banks.health import HEALTH_LIFE
from payment_hub.domain.errors import HubError
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.orders import OrderFacts, status_of
from payment_hub.domain.payments import ATTEMPT_LIFE
from payment_hub.domain.refunds.lifecycle import REFUND_LIFE
from payment_hub.domain.webhooks import WEBHOOK_LIFE
from payment_hub.settings import setting_fields
from payment_hub.web.api.errors import RETRY_AFTER, every_problem, slug_of, title_of
from payment_hub.web.api.errors import status_of as http_status_of
from reconciliation.app import BLUEPRINTS
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE
from reconciliation.domain.runs import RUN_LIFE

LIFECYCLES: Final[tuple[Lifecycle[Any, Any], ...]] = (
    ATTEMPT_LIFE,
    HEALTH_LIFE,
    REFUND_LIFE,
    WEBHOOK_LIFE,
    RUN_LIFE,
    DISCREPANCY_LIFE,
)

_DOCS: Final = Path(__file__).resolve().parent


def settings_page() -> str:
    """``docs/settings.md``: every name that the hub reads from its environment."""
    rows = []
    for declared in setting_fields():
        setting = declared.metadata
        required = not isinstance(setting["default"], str | None)
        default = "required" if required else f"`{setting['default']}`" if setting["default"] else "none"
        rows.append((f"`{setting['name']}`", setting["meaning"], default, "yes" if setting["secret"] else ""))
    return page(
        "Settings",
        "Read once at the start, from the environment alone. One list names everything that is missing or malformed,\n"
        "of the hub and of its banks, and the hub does not start. A secret may stand in a file that `<NAME>_FILE`\n"
        "names; it appears in no log and in no text form of the settings.",
        table(("name", "meaning", "default", "secret"), rows),
        "A bank named in `HUB_ENABLED_BANKS` has settings of its own, `BANK_<NAME>_*`: [banks](banks.md) lists them.\n"
        "`BANK_<NAME>_PROTOCOL` names its protocol where that is not the bank's own name.\n"
        "To change a key, put the old one under its `..._PREVIOUS` name: the hub accepts both until it is removed.",
    )


def problems_page() -> str:
    """``docs/problems.md``: every error with its status, as ``GET /problems/<slug>`` explains it."""
    rows = [
        (
            str(http_status_of(kind)),
            f"`/problems/{slug_of(kind)}`",
            title_of(kind),
            f"after {RETRY_AFTER[kind]} s" if kind in RETRY_AFTER else "",
        )
        for kind in sorted(every_error(), key=lambda kind: (http_status_of(kind), slug_of(kind)))
    ]
    return page(
        "Problems",
        "Every answer that is not a success is `application/problem+json` (RFC 9457). Its `type` is one of these and\n"
        "never changes its meaning; the title may be worded better one day. Banks are answered in their own words\n"
        "instead, except for a message that cannot be verified.",
        table(("status", "type", "title", "send again"), rows),
    )


def every_error() -> list[type[HubError]]:
    """Every class of errors that the hub and reconciliation declare."""
    packages = {"payment_hub", reconciliation.__name__}
    return [kind for kind in every_problem().values() if kind.__module__.partition(".")[0] in packages]


def lifecycles_page(lifecycles: Iterable[Lifecycle[Any, Any]] = LIFECYCLES) -> str:
    """``docs/lifecycles.md``: every table of moves as a diagram, and how an order's status follows from its facts."""
    diagrams = [
        f"## {life.name[0].upper()}{life.name[1:]}\n\n```mermaid\n{life.as_mermaid()}\n```"
        for life in lifecycles
    ]
    return page(
        "Lifecycles",
        "The code refuses every move that is not drawn here. Each diagram is made from the table in the code.",
        *diagrams,
        "## Payment order\n\nAn order has no table of moves: its status is a function of its facts, and facts may come"
        " in any order.\nFor an order of 100, every combination that can occur:",
        table(("received", "refunded", "cancelled", "expired", "status"), _statuses()),
    )


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "banks.md": banks_page,
    "problems.md": problems_page,
    "lifecycles.md": lifecycles_page,
    "openapi.json": partial(describe_api, BLUEPRINTS),
}


def _statuses() -> Iterable[tuple[str, ...]]:
    amounts = {"nothing": 0, "a part": 40, "all": 100, "too much": 140}
    seen: dict[tuple[str, ...], None] = {}
    for received, collected in amounts.items():
        for paid_back, refunded in {"nothing": 0, "the excess": 40, "a part": 20, "all": collected}.items():
            if refunded > collected or (paid_back == "the excess" and collected != amounts["too much"]):
                continue
            if paid_back == "all" and collected == 0:
                continue
            seen |= dict.fromkeys(_by_closing(received, collected, paid_back, refunded))
    return seen


def _by_closing(received: str, collected: int, paid_back: str, refunded: int) -> Iterable[tuple[str, ...]]:
    """The row of these amounts; four rows where it matters whether the offer was closed."""
    statuses = {
        (cancelled, expired): status_of(
            OrderFacts(100, collected, refunded, expired=expired, cancelled=cancelled)
        )
        for cancelled in (False, True)
        for expired in (False, True)
    }
    if len(set(statuses.values())) == 1:
        return [(received, paid_back, "any", "any", f"`{statuses[False, False]}`")]
    yes = {False: "no", True: "yes"}
    return [
        (received, paid_back, yes[cancelled], yes[expired], f"`{status}`")
        for (cancelled, expired), status in statuses.items()
    ]


def write_pages(folder: Path = _DOCS, pages: Mapping[str, Callable[[], str]] = PAGES) -> None:
    """Write every page anew."""
    for name, text in pages.items():
        (folder / name).write_text(text(), encoding="utf-8")
