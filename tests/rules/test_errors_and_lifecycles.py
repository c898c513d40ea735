"""Every error has a status and a title in both languages, and every state of a lifecycle can be reached."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import pytest

from docs.pages import LIFECYCLES, every_error
from payment_hub.domain.errors import Conflict, HubError
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.web.api.errors import STATUSES, title_of
from tests.rules.rule import REPO, called, modules

#: Events with which a lifecycle begins; they are recorded, and no state moves.
FIRST_EVENTS = {("discrepancy", "DETECTED"), ("refund", "PROPOSED")}


def incomplete(kinds: Iterable[type[HubError]]) -> list[str]:
    """Errors without a status of their family, or whose title is not a sentence in both languages."""
    violations = []
    for kind in kinds:
        if not any(parent in STATUSES for parent in kind.__mro__):
            violations.append(f"{kind.__name__} has no status")
        for language in ("en", "vi"):
            title = title_of(kind, language)
            if not (title[:1].isupper() and title.endswith(".") and len(title) > 15):
                violations.append(f"{kind.__name__}: {title!r} is not a sentence")
        if title_of(kind, "vi") == title_of(kind):
            violations.append(f"{kind.__name__} has no Vietnamese title")
    return violations


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
            if event not in happening and (life.name, event) not in FIRST_EVENTS
        ),
    ]


def test_every_error_has_a_status_and_a_title() -> None:
    kinds = every_error()
    assert "\n".join(incomplete(kinds)) == ""
    assert len(kinds) > 40


def test_an_error_without_them_is_seen() -> None:
    untitled = type("Untitled", (Conflict,), {"__doc__": "no"})
    without_family = type("WithoutFamily", (HubError,), {"__doc__": "This error has no family."})
    assert any("no status" in violation for violation in incomplete([without_family]))
    assert any("not a sentence" in violation for violation in incomplete([untitled]))
    assert any("Vietnamese" in violation for violation in incomplete([untitled]))


@pytest.mark.parametrize("life", LIFECYCLES, ids=lambda life: life.name)
def test_every_state_can_be_reached(life: Lifecycle[Any, Any]) -> None:
    assert unreachable(life) == []


def test_an_unreachable_state_is_seen() -> None:
    class State(StrEnum):
        HERE = "HERE"
        NOWHERE = "NOWHERE"

    class Event(StrEnum):
        WAITED = "WAITED"
        FLOWN = "FLOWN"

    life = Lifecycle("hermit", State.HERE, {(State.HERE, Event.WAITED): State.HERE})
    assert unreachable(life) == ["hermit: NOWHERE is never reached", "hermit: FLOWN never happens"]


def test_every_lifecycle_is_drawn() -> None:
    statements = [statement for module in modules(REPO) for statement in module.tree.body]
    declared = [
        each for each in statements if "Lifecycle" in {called(node) for node in ast.iter_child_nodes(each)}
    ]
    assert len(declared) == len(LIFECYCLES)
