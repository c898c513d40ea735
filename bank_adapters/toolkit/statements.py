"""Statement files of delimited text, read strictly: every refusal names line and column.

One bad cell refuses the whole file. Half a statement is worse than none, because the night would report the other half
as missing. `CollectorFile` is the file that a collector drops into a folder: a declared mapping of columns, times and
words. No bank publishes its file, so a setting can replace any part of the mapping (``otherwise``).
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.json_fields import read_object
from payment_hub.domain.banks.values import Movement, Statement, StatementLine
from payment_hub.domain.errors import BankUnavailable, Malformed, MalformedStatement
from payment_hub.domain.money import Money, dong

Value = TypeVar("Value")

_LONGEST_CELL: Final = 1000


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a bank writes its statement: ``columns`` maps our name for a column to the bank's header."""

    columns: Mapping[str, str]
    delimiter: str = ","
    encoding: str = "utf-8"
    lines_before: int = 0
    """How many lines stand above the heading."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file; cells are read by our name for the column."""

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

    def one_of(self, column: str, meanings: Mapping[str, Value]) -> Value:
        """What the cell's word means by ``meanings``. Raises Malformed for a word that is not in it."""

        def reader(cell: str) -> Value:
            if cell not in meanings:
                raise Malformed(f"{cell[:40]!a} is none of {', '.join(meanings)}")
            return meanings[cell]

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
    total_received = sum(received, start=dong(0))
    if len(received) != count or total_received != total:
        raise Malformed(
            f"the file declares {count} credits of {total} and holds {len(received)} of {total_received}"
        )


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


#: The meaning of the setting that ``CollectorFile.otherwise`` reads.
OTHERWISE: Final = "what is otherwise in the daily files, as JSON"


@dataclass(frozen=True, slots=True)
class CollectorFile:
    """``columns`` maps booked_at, transaction_id, reference, amount and status to the bank's headers."""

    columns: Mapping[str, str]
    time_pattern: str
    moved: Mapping[str, bool | Movement]
    """Status word -> whether money came, or which movement it was. A word that is not here refuses the file."""
    delimiter: str = ","
    encoding: str = "utf-8"
    lines_before: int = 0
    minus_is_debit: bool = False
    """Whether an amount with a minus before it is money that went back."""

    def __str__(self) -> str:
        """As the setting is written, whole."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    def otherwise(self, text: str) -> CollectorFile:
        """Read a setting: a JSON object of what is otherwise; of ``columns`` only those that are. Raises ValueError."""
        try:
            given: dict[str, Any] = dict(read_object(text.encode()))
        except Malformed as error:
            raise ValueError(f"must be a JSON object: {error.detail}") from error
        for name, value in given.items():
            if name not in _FORMS or not _FORMS[name](value):
                raise ValueError(f"{name[:40]!a} is unknown or not as it must be")
        if "moved" in given:
            given["moved"] = {word: _movement(it) for word, it in given["moved"].items()}
        columns = {**self.columns, **given.pop("columns", {})}
        if columns.keys() != self.columns.keys():
            raise ValueError(f"columns may name {', '.join(self.columns)}")
        return dataclasses.replace(self, columns=columns, **given)

    def of_day(self, folder: Path, day: date, bank: str) -> Statement:
        """Read ``<folder>/<yyyy-mm-dd>.csv``; refused whole with line and column when anything is wrong.

        Raises BankUnavailable while the file is not there, and Malformed.
        """
        try:
            raw = (folder / f"{day.isoformat()}.csv").read_bytes()
        except OSError as error:
            raise BankUnavailable(f"{bank} has not dropped its file of {day.isoformat()} yet") from error
        form = CsvFormat(self.columns, self.delimiter, self.encoding, self.lines_before)
        with refused_whole(raw):
            rows = [row for row in read_rows(raw, form) if row.one_of("status", self.moved)]
            return Statement(day, raw, tuple(map(self._line, rows)), self.shows_debits)

    @property
    def shows_debits(self) -> bool:
        """Whether money that went back would stand in the file, as it is declared."""
        return self.minus_is_debit or Movement.DEBIT in self.moved.values()

    def _line(self, row: Row) -> StatementLine:
        movement = _MOVED.get(row.one_of("status", self.moved), Movement.CREDIT)
        minus = "-" if self.minus_is_debit and row.cells["amount"].startswith("-") else ""
        if minus and movement is Movement.CREDIT:
            movement = Movement.DEBIT
        return StatementLine(
            line=row.line,
            bank_transaction_id=row.text("transaction_id"),
            reference=row.text("reference", empty=True),
            amount=row.read("amount", lambda cell: Money.parse(cell.removeprefix(minus))),
            movement=movement,
            booked_at=row.read("booked_at", lambda cell: read_vietnam_time(cell, self.time_pattern)),
        )


#: What the words of ``moved`` mean beside yes and no.
_MOVED: Final[Mapping[object, Movement]] = {movement.value: movement for movement in Movement}


def _movement(value: bool | str) -> bool | Movement:
    return value if isinstance(value, bool) else Movement(value)


def _is_moved(value: Any) -> bool:
    """Words for yes and no, or for a movement; with one of them at least money moves."""
    return (
        isinstance(value, dict)
        and all(
            name and (type(it) is bool or (isinstance(it, str) and it in _MOVED))
            for name, it in value.items()
        )
        and any(value.values())
    )


def _is_mapping_to(value: Any, kind: type) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(name and type(it) is kind for name, it in value.items())
    )


def _is_encoding(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except LookupError:
        return False


#: What each part of the setting must be.
_FORMS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "columns": lambda value: _is_mapping_to(value, str) and all(value.values()),
    "time_pattern": lambda value: isinstance(value, str) and bool(re.fullmatch("[ -~]{2,40}", value)),
    "moved": _is_moved,
    "delimiter": lambda value: isinstance(value, str) and len(value) == 1 and value not in '"\r\n',
    "encoding": _is_encoding,
    "lines_before": lambda value: type(value) is int and 0 <= value <= 100,
    "minus_is_debit": lambda value: type(value) is bool,
}
