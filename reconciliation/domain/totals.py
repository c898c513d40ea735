"""Control totals: on each side, what came in is matched, discrepant or still open, by count and by amount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Banks' fees stand in statements, and nothing in the hub stands opposite them yet: they are open.
FEES: Final = "bank_fee"


class Column(StrEnum):
    """What became of an item."""

    MATCHED = "matched"
    DISCREPANT = "discrepant"
    OPEN = "open"


class BooksOutOfBalance(Exception):
    """The run's own control totals do not agree; its result was thrown away."""


@dataclass(frozen=True, slots=True)
class Figure:
    """So many items, of so many minor units together."""

    count: int = 0
    amount: int = 0

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.count + other.count, self.amount + other.amount)

    def __sub__(self, other: Figure) -> Figure:
        return Figure(self.count - other.count, self.amount - other.amount)


@dataclass(frozen=True, slots=True)
class Line:
    """The totals of one side in one currency."""

    side: str
    currency: str
    items: Figure = Figure()
    matched: Figure = Figure()
    discrepant: Figure = Figure()
    open: Figure = Figure()


def control_totals(
    of_the_day: Mapping[tuple[str, str], Figure],
    looked_into: Iterable[tuple[str, str, Column, bool, Figure]],
) -> tuple[Line, ...]:
    """The lines of a run: side by side and currency by currency, in a fixed order.

    ``of_the_day`` has all items of the day by (side, currency). ``looked_into`` has those that did not pair off at
    sight, by (side, currency, what became of them, whether they are of the day). What paired off is the rest.
    """
    lines = {key: _at_sight(key, figure) for key, figure in of_the_day.items()}
    for side, currency, column, day_item, figure in looked_into:
        line = lines.get((side, currency)) or Line(side, currency)
        columns = {name: getattr(line, name) for name in Column}
        if day_item:
            columns[Column.MATCHED] -= figure
        columns[column] += figure
        items = line.items if day_item else line.items + figure
        lines[side, currency] = Line(side, currency, items, *(columns[name] for name in Column))
    return tuple(lines[key] for key in sorted(lines))


def _at_sight(key: tuple[str, str], figure: Figure) -> Line:
    if key[0] == FEES:
        return Line(*key, items=figure, open=figure)
    return Line(*key, items=figure, matched=figure)


def require_balance(lines: Iterable[Line], hub: str, other: str) -> None:
    """Raise BooksOutOfBalance unless every line adds up and both sides have matched the same (I19, I20)."""
    matched: dict[tuple[str, str], Figure] = {}
    for line in lines:
        if line.items != line.matched + line.discrepant + line.open:
            raise BooksOutOfBalance(f"{line.side} {line.currency}: {line}")
        matched[line.side, line.currency] = line.matched
    for currency in {currency for _, currency in matched}:
        left, right = (matched.get((side, currency), Figure()) for side in (hub, other))
        if left != right:
            raise BooksOutOfBalance(f"{currency}: {hub} matched {left}, {other} matched {right}")
