"""Control totals: on each side, what came in is matched, discrepant or still open, by count and by amount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Book(StrEnum):
    """What an item is, and on whose side."""

    HUB = "hub"
    """A collection, or a receipt."""
    OUTFLOW = "outflow"
    """A refund or a chargeback."""
    LEDGER = "ledger"
    """Money in suspense or overpaid."""
    BANK = "bank"
    """A credit in a statement."""
    BANK_DEBIT = "bank_debit"
    BANK_FEE = "bank_fee"
    """A fee in a statement: nothing in the hub stands opposite it yet, so it stays open."""
    AGENCY = "agency"
    """An entry in an agency's ledger."""


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


class ItemCount(NamedTuple):
    """Items that did not pair off at sight, alike in what became of them."""

    book: Book
    currency: str
    column: Column
    of_the_day: bool
    figure: Figure


@dataclass(frozen=True, slots=True)
class Line:
    """The totals of one book in one currency."""

    book: Book
    currency: str
    items: Figure = Figure()
    matched: Figure = Figure()
    discrepant: Figure = Figure()
    open: Figure = Figure()


def control_totals(
    of_the_day: Mapping[tuple[Book, str], Figure], compared: Iterable[ItemCount]
) -> tuple[Line, ...]:
    """The lines of a run: book by book and currency by currency, in a fixed order.

    ``of_the_day`` has all items of the day. ``compared`` has those that did not pair off at sight; what paired off is
    the rest.
    """
    lines = {
        (book, currency): Line(
            book,
            currency,
            items=figure,
            matched=Figure() if book is Book.BANK_FEE else figure,
            open=figure if book is Book.BANK_FEE else Figure(),
        )
        for (book, currency), figure in of_the_day.items()
    }
    for book, currency, column, is_of_the_day, figure in compared:
        line = lines.get((book, currency)) or Line(book, currency)
        columns = {name: getattr(line, name) for name in Column}
        if is_of_the_day:
            columns[Column.MATCHED] -= figure
        columns[column] += figure
        items = line.items if is_of_the_day else line.items + figure
        lines[book, currency] = Line(book, currency, items, *(columns[name] for name in Column))
    return tuple(lines[key] for key in sorted(lines))


def require_balance(lines: Iterable[Line], hub: Book, other: Book) -> None:
    """Raise BooksOutOfBalance unless every line adds up and both books have matched the same (I19, I20)."""
    matched: dict[tuple[str, str], Figure] = {}
    for line in lines:
        if line.items != line.matched + line.discrepant + line.open:
            raise BooksOutOfBalance(f"{line.book} {line.currency}: {line}")
        matched[line.book, line.currency] = line.matched
    for currency in {currency for _, currency in matched}:
        ours, theirs = (matched.get((book, currency), Figure()) for book in (hub, other))
        if ours != theirs:
            raise BooksOutOfBalance(f"{currency}: {hub} matched {ours}, {other} matched {theirs}")
