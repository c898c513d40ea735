"""A lifecycle as a table: every legal move, and nothing else is legal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from payment_hub.domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[S, E]):
    """``table[state, event]`` is the state after the event."""

    name: str
    first: S
    table: Mapping[tuple[S, E], S]

    def after(self, state: S, event: E) -> S:
        """The state after ``event``. Raises IllegalTransition when the table has no such move."""
        try:
            return self.table[state, event]
        except KeyError:
            raise IllegalTransition(f"{self.name}: {event} cannot happen to {state}") from None

    def allows(self, state: S, event: E) -> bool:
        """Whether ``event`` may happen in ``state``."""
        return (state, event) in self.table

    def moves(self, event: E) -> dict[S, S]:
        """The states in which ``event`` may happen, each with the state after it."""
        return {state: after for (state, cause), after in self.table.items() if cause is event}

    def sources(self, event: E) -> tuple[S, ...]:
        """The states in which ``event`` may happen."""
        return tuple(self.moves(event))

    def is_final(self, state: S) -> bool:
        """Whether nothing can happen any more."""
        return all(source is not state for source, _ in self.table)

    def as_mermaid(self) -> str:
        """The table as a state diagram."""
        moves = [f"    {state} --> {after}: {event}" for (state, event), after in self.table.items()]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.first}", *moves])
