"""A story for each verb, told once without a kill and then with one at every point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import pytest

from payment_hub.hub import Hub
from tests.conftest import StoppedClock
from tests.crashes.killing import Killed, Points, mortal
from tests.histories.facts import empty
from tests.histories.state import state_of

#: How a statement begins that is one of several in its transaction: wherever between them a process dies, the
#: database keeps nothing of them, so a kill before the commit is the same. A hot verb's statement commits itself.
ONE_OF_SEVERAL: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "SET", "WITH")


class Survives(Protocol):
    """``scene`` sets up, ``verb`` is killed, ``after`` is what callers, banks and clock do then.

    ``everywhere`` visits the points between the statements of a transaction too. Returns how many were visited.
    """

    def __call__(
        self,
        scene: Callable[[Hub], Any],
        verb: Callable[[Hub, Any], Any],
        after: Callable[[Hub, Any], Any],
        points: Points | None = None,
        *,
        everywhere: bool = True,
    ) -> int:
        """Checks that the end is the same wherever the verb is killed."""
        ...


@pytest.fixture
def survives(hub: Hub, clock: StoppedClock, record_property: Callable[[str, object], None]) -> Survives:
    """Tells stories on the empty database, from the same moment on."""
    began = clock.moment

    def run(scene: Any, verb: Any, after: Any, points: Points) -> Any:
        empty(hub)
        clock.moment = began
        set_up = scene(hub)
        with mortal(hub, points) as victim:
            try:
                verb(victim, set_up)
            except Killed:
                assert points.dead
        points.counting = False
        after(hub, set_up)
        return state_of(hub)

    def check(
        scene: Any, verb: Any, after: Any, points: Points | None = None, *, everywhere: bool = True
    ) -> int:
        points = points or Points()
        unharmed = run(scene, verb, after, points)
        names = points.names
        visited = {place: name for place, name in enumerate(names) if everywhere or is_decisive(name)}
        for kill_at, name in visited.items():
            points.begin(kill_at)
            state = run(scene, verb, after, points)
            assert points.names[kill_at] == name
            assert state == unharmed, f"killed at point {kill_at}: {name}"
        record_property("crash_points", len(visited))
        return len(visited)

    return check


def is_decisive(name: str) -> bool:
    """Whether what is in the database after a kill here differs from what a kill just before leaves."""
    return not name.partition(" ")[2].startswith(ONE_OF_SEVERAL)
