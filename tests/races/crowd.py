"""A crowd: many threads that do something at the very same moment, and what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from payment_hub.domain.errors import HubError

T = TypeVar("T")

#: How many at once. The tests' engine has a connection for each.
CROWD = 20


def all_at_once(acts: Sequence[Callable[[], T]]) -> list[T | HubError]:
    """What each act returned, or the refusal that it met; any other error is raised."""
    ready = threading.Barrier(len(acts))

    def one(act: Callable[[], T]) -> T | HubError:
        ready.wait(20)
        try:
            return act()
        except HubError as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as crowd:
        return list(crowd.map(one, acts))


def refusals(results: Sequence[object]) -> list[str]:
    """The names of the refusals, sorted."""
    return sorted(type(result).__name__ for result in results if isinstance(result, HubError))


def answers(results: list[T | HubError]) -> list[T]:
    """What those were given who were not refused."""
    return [result for result in results if not isinstance(result, HubError)]
