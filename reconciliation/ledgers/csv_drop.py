"""Ledgers as CSV files in a folder: ``<agency-code>_<yyyy-mm-dd>.csv``, UTF-8, with control totals at the end.

    entry_number,order_reference,amount,currency,booked_on,receipt_number
    1,DV0H2K3M4N5P6Q7R,150000,VND,2026-03-02,
    total,1,150000,VND,,

One wrong cell refuses the whole file, with line and column: half a ledger is worse than none, because the night would
report the other half as missing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import MAX_MINOR, Money
from reconciliation.domain.ledger_port import Entry, Ledger

HEADING: Final = ("entry_number", "order_reference", "amount", "currency", "booked_on", "receipt_number")

#: 64 MiB is about a million entries.
LARGEST: Final = 64 * 1024 * 1024

_TOTAL: Final = "total"
_NAME: Final = re.compile(r"(?P<agency>[0-9A-Z]+(?:\.[0-9A-Z]+)*)_(?P<day>\d{4}-\d{2}-\d{2})\.csv", re.ASCII)
_COUNT: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_LONGEST_CELL: Final = 100


@dataclass(frozen=True, slots=True)
class CsvDrop:
    """The folder where agencies leave their ledgers; None when there is no such folder."""

    folder: Path | None

    def agencies(self, day: date) -> Collection[str]:
        """Codes of the agencies that have delivered a file for ``day``."""
        return tuple(self._files(day))

    def read_ledgers(self, day: date, agency: str | None = None) -> Iterator[Ledger]:
        """Every file of ``day``, or one agency's, read whole, or refused with line and column."""
        for code, path in self._files(day).items():
            if agency in (None, code):
                yield _read(path, code, day)

    def _files(self, day: date) -> dict[str, Path]:
        if self.folder is None or not self.folder.is_dir():
            return {}
        names = (
            (path, _NAME.fullmatch(path.name))
            for path in sorted(self.folder.glob(f"*_{day.isoformat()}.csv"))
        )
        return {name["agency"]: path for path, name in names if name is not None and _is_plain(path)}


@dataclass(frozen=True, slots=True)
class _Cells:
    """One record, whose cells are read with a word about where they stand."""

    line: int
    cells: list[str]

    def text(self, column: int, *, empty: bool = False) -> str:
        cell = self.cells[column - 1]
        if (
            (not cell and not empty)
            or not cell.isprintable()
            or len(cell) > _LONGEST_CELL
            or cell != cell.strip()
        ):
            raise self.wrong(column, f"{cell[:40]!a} is not a text that can stand here")
        return cell

    def money(self, amount: int, currency: int) -> Money:
        try:
            return Money.parse(self.text(amount), self.text(currency))
        except Malformed as error:
            raise self.wrong(amount, error.detail) if error.detail[:4] != "line" else error from error

    def wrong(self, column: int, reason: str) -> Malformed:
        return Malformed(f"line {self.line}, column {column}: {reason}")


def _is_plain(path: Path) -> bool:
    """A file that stands in the folder itself: a link could lead to anything on this machine."""
    return path.is_file() and not path.is_symlink()


def _read(path: Path, agency: str, day: date) -> Ledger:
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    try:
        if len(raw) > LARGEST:
            raise Malformed(f"line 1, column 1: the file is larger than {LARGEST} bytes")
        return Ledger(agency, day, path.name, raw, read_entries(raw, day))
    except Malformed as error:
        return Ledger(agency, day, path.name, raw, refused=error.detail)


def read_entries(raw: bytes, day: date) -> tuple[Entry, ...]:
    """The entries of a ledger of ``day``. Raises Malformed with line and column."""
    records = _records(_decode(raw))
    line, heading = next(records, (1, []))
    if tuple(heading) != HEADING:
        raise Malformed(
            f"line {line}, column {_first_difference(heading)}: the heading must be {','.join(HEADING)}"
        )
    entries: list[Entry] = []
    numbers: set[str] = set()
    for line, record in records:
        cells = _Cells(line, record)
        if len(record) != len(HEADING):
            raise cells.wrong(len(record) or 1, f"{len(HEADING)} columns are needed")
        if record[0] == _TOTAL:
            _require_total(cells, entries)
            _require_end(records)
            return tuple(entries)
        entries.append(_entry(cells, day))
        if record[0] in numbers:
            raise cells.wrong(1, f"entry {record[0][:40]!a} stands twice")
        numbers.add(record[0])
    raise Malformed(f"line {line + 1}, column 1: the line with the totals is missing")


def _entry(cells: _Cells, day: date) -> Entry:
    amount = cells.money(3, 4)
    if not 0 < amount.minor <= MAX_MINOR:
        raise cells.wrong(3, "no order is of so little or so much")
    if cells.text(5) != day.isoformat():
        raise cells.wrong(5, f"{cells.cells[4][:40]!a} is not the file's day, {day.isoformat()}")
    return Entry(
        line=cells.line,
        entry_number=cells.text(1),
        reference=cells.text(2),
        amount=amount,
        booked_on=day,
        receipt_number=cells.text(6, empty=True) or None,
    )


def _require_total(cells: _Cells, entries: list[Entry]) -> None:
    if not _COUNT.fullmatch(cells.text(2)) or int(cells.text(2)) != len(entries):
        raise cells.wrong(2, f"{cells.cells[1][:40]!a} entries are declared, {len(entries)} are here")
    declared = cells.money(3, 4)
    if any(entry.amount.currency != declared.currency for entry in entries):
        raise cells.wrong(4, "the entries are not all in the currency of the total")
    total = sum((entry.amount for entry in entries), start=Money(0, declared.currency))
    if total != declared:
        raise cells.wrong(3, f"{declared} is declared, {total} is here")
    for column in (5, 6):
        if cells.cells[column - 1]:
            raise cells.wrong(column, "nothing may stand here")


def _require_end(records: Iterator[tuple[int, list[str]]]) -> None:
    after = next(records, None)
    if after is not None:
        raise Malformed(f"line {after[0]}, column 1: something stands after the line with the totals")


def _first_difference(heading: list[str]) -> int:
    pairs = zip(heading, HEADING, strict=False)
    return next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), min(len(heading), len(HEADING)) + 1)


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise Malformed(f"line {line}, column {column}: a byte that is not UTF-8") from error
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        at = text.index("\0")
        raise Malformed(
            f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}: a NUL"
        )
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            yield reader.line_num, record
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}, column 1: {error}") from error
