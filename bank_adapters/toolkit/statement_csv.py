"""Statement files of delimited text, read strictly: every refusal names line and column.

One bad cell refuses the whole file. Half a statement is worse than none, because the night would report the
other half as missing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from payment_hub.domain.banks.values import Movement, StatementLine
from payment_hub.domain.errors import Malformed, MalformedStatement
from payment_hub.domain.money import Money, dong

Value = TypeVar("Value")

_LONGEST_CELL: Final = 1000


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a bank writes its statement: ``columns`` maps our word for a column to the bank's header."""

    columns: Mapping[str, str]
    delimiter: str = ","
    encoding: str = "utf-8"
    lines_before: int = 0
    """How many lines stand above the heading."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file; cells are asked for by our word."""

    line: int
    """Where it stands in the file, from 1, the heading included."""
    cells: Mapping[str, str]
    places: Mapping[str, int]

    def read(self, column: str, reader: Callable[[str], Value]) -> Value:
        """The cell read by ``reader``; its Malformed becomes one that names line and column."""
        try:
            return reader(self.cells[column])
        except Malformed as error:
            raise Malformed(f"line {self.line}, column {self.places[column]}: {error.detail}") from error

    def text(self, column: str, *, empty: bool = False) -> str:
        """The cell as text.

        Raises Malformed for an empty one unless ``empty`` is allowed, and for control characters.
        """

        def reader(cell: str) -> str:
            if (not cell and not empty) or not cell.isprintable() or len(cell) > _LONGEST_CELL:
                raise Malformed(f"{cell[:40]!a} is not a text that can stand here")
            return cell

        return self.read(column, reader)

    def one_of(self, column: str, words: Mapping[str, Value]) -> Value:
        """What the cell's word means by ``words``. Raises Malformed for a word that is not in it."""

        def reader(cell: str) -> Value:
            if cell not in words:
                raise Malformed(f"{cell[:40]!a} is none of {', '.join(words)}")
            return words[cell]

        return self.read(column, reader)


@contextmanager
def refused_whole(raw: bytes) -> Iterator[None]:
    """Let a refusal of anything in the file carry the file itself: the night keeps it as evidence."""
    try:
        yield
    except Malformed as error:
        raise MalformedStatement(error.detail, raw=raw) from error


def read_rows(raw: bytes, form: CsvFormat) -> Iterator[Row]:
    """The records under the heading.

    Raises Malformed with line and column for a file that is not as ``form`` says.
    """
    records = _records(_decode(raw, form.encoding), form)
    line, heading = next(records, (form.lines_before + 1, []))
    if not heading:
        raise Malformed(f"line {line}, column 1: the heading is missing")
    places = _places(line, heading, form.columns)
    for line, record in records:
        if len(record) != len(heading):
            raise Malformed(f"line {line}, column {len(record)}: {len(heading)} columns are needed")
        yield Row(line, {ours: record[place - 1] for ours, place in places.items()}, places)


def require_totals(lines: Sequence[StatementLine], *, count: int, total: Money) -> None:
    """Raise Malformed unless the credits of ``lines`` are as many and as much as the bank declared."""
    received = [line.amount for line in lines if line.movement is Movement.CREDIT]
    found = sum(received, start=dong(0))
    if len(received) != count or found != total:
        raise Malformed(f"the file declares {count} credits of {total} and holds {len(received)} of {found}")


def _decode(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise Malformed(f"line {line}, column {column}: a byte that is not {encoding}") from error
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise Malformed(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}, column 1: a NUL")
    return text


def _records(text: str, form: CsvFormat) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    for _ in range(form.lines_before):
        lines.readline()
    records = csv.reader(lines, delimiter=form.delimiter, strict=True)
    try:
        for record in records:
            yield form.lines_before + records.line_num, record
    except csv.Error as error:
        raise Malformed(f"line {form.lines_before + records.line_num}, column 1: {error}") from error


def _places(line: int, heading: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    twice = sorted({name for name in heading if heading.count(name) > 1})
    if twice:
        raise Malformed(f"line {line}, column {heading.index(twice[0]) + 1}: {twice[0]!a} stands twice")
    missing = [name for name in columns.values() if name not in heading]
    if missing:
        raise Malformed(f"line {line}, column {len(heading)}: no column named {', '.join(missing)}")
    return {ours: heading.index(name) + 1 for ours, name in columns.items()}
