"""The daily file that a collector drops into a folder: a declared mapping of columns, times and words.

No bank publishes its file, so whoever has one in hand can set what is otherwise in it (``otherwise``).
"""

from __future__ import annotations

import codecs
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.json_fields import read_object
from bank_adapters.toolkit.statement_csv import CsvFormat, Row, read_rows, refused_whole
from payment_hub.domain.banks.values import Movement, Statement, StatementLine
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money

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


def _words(value: Any, kind: type) -> bool:
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
    "columns": lambda value: _words(value, str) and all(value.values()),
    "time_pattern": lambda value: isinstance(value, str) and bool(re.fullmatch("[ -~]{2,40}", value)),
    "moved": _is_moved,
    "delimiter": lambda value: isinstance(value, str) and len(value) == 1 and value not in '"\r\n',
    "encoding": _is_encoding,
    "lines_before": lambda value: type(value) is int and 0 <= value <= 100,
    "minus_is_debit": lambda value: type(value) is bool,
}
