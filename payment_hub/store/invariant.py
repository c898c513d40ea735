"""What an invariant of money is: a rule, and a question that finds what breaks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A name of the rule, what it says, and a query that finds what breaks it. ``:now`` may be used."""

    name: str
    meaning: str
    sql: str
