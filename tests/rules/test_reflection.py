"""What only the running code can tell: every refusal is well-mannered, every state can be reached."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import pytest

from docs.pages import LIFECYCLES, every_refusal
from payment_hub.domain.errors import Conflict, HubError
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.web.api.errors import STATUSES, VIETNAMESE, title_of
from tests.rules.rule import REPO, modules

#: Events with which a life begins; they are recorded, and nothing moves.
BIRTHS = {("discrepancy", "FOUND"), ("refund", "PROPOSED")}


def ill_mannered(kinds: Iterable[type[HubError]]) -> list[str]:
    """Refusals without a status of their family, or whose title is not a sentence in both languages."""
    found = []
    for kind in kinds:
        if not any(parent in STATUSES for parent in kind.__mro__):
            found.append(f"{kind.__name__} has no status")
        for language in ("en", "vi"):
            title = title_of(kind, language)
            if not (title[:1].isupper() and title.endswith(".") and len(title) > 15):
                found.append(f"{kind.__name__}: {title!r} is not a sentence")
        if kind.__name__ not in VIETNAMESE:
            found.append(f"{kind.__name__} has no Vietnamese title")
    return found


def unreachable(life: Lifecycle[Any, Any]) -> list[str]:
    """States that no chain of moves reaches, and events that never happen."""
    reached = {life.first}
    while more := {after for (state, _), after in life.table.items() if state in reached} - reached:
        reached |= more
    states, events = type(life.first), {type(event) for _, event in life.table}
    happening = {event for _, event in life.table}
    return [
        *(f"{life.name}: {state} is never reached" for state in states if state not in reached),
        *(
            f"{life.name}: {event} never happens"
            for kind in events
            for event in kind
            if event not in happening and (life.name, event) not in BIRTHS
        ),
    ]


def test_every_refusal_has_a_status_and_a_title() -> None:
    kinds = every_refusal()
    assert "\n".join(ill_mannered(kinds)) == ""
    assert len(kinds) > 40


def test_a_refusal_without_manners_is_seen() -> None:
    mumbling = type("Mumbling", (Conflict,), {"__doc__": "no"})
    lost = type("Lost", (HubError,), {"__doc__": "Nobody knows where this belongs."})
    assert any("no status" in said for said in ill_mannered([lost]))
    assert any("not a sentence" in said for said in ill_mannered([mumbling]))
    assert any("Vietnamese" in said for said in ill_mannered([mumbling]))


@pytest.mark.parametrize("life", LIFECYCLES, ids=lambda life: life.name)
def test_every_state_can_be_reached(life: Lifecycle[Any, Any]) -> None:
    assert unreachable(life) == []


def test_a_state_that_nobody_reaches_is_seen() -> None:
    class State(StrEnum):
        HERE = "HERE"
        NOWHERE = "NOWHERE"

    class Event(StrEnum):
        WAITED = "WAITED"
        FLOWN = "FLOWN"

    life = Lifecycle("hermit", State.HERE, {(State.HERE, Event.WAITED): State.HERE})
    assert unreachable(life) == ["hermit: NOWHERE is never reached", "hermit: FLOWN never happens"]


def test_every_lifecycle_is_drawn() -> None:
    declared = [
        module.path
        for module in modules(REPO)
        if "Lifecycle(\n" in module.text and not module.path.endswith("/lifecycle.py")
    ]
    assert len(declared) == len(LIFECYCLES)
