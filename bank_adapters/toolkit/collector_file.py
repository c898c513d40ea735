"""The daily file that a collector drops into a folder: a declared mapping of columns, times and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.statement_csv import CsvFormat, Row, read_rows, refused_whole
from payment_hub.domain.bank_port import Movement, Statement, StatementLine
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import Money


@dataclass(frozen=True, slots=True)
class CollectorFile:
    """``columns`` maps booked_at, transaction_id, reference, amount and status to the bank's headers."""

    columns: Mapping[str, str]
    time_pattern: str
    moved: Mapping[str, bool]
    """Status word -> whether money moved. A word that is not here refuses the file."""
    delimiter: str = ","
    encoding: str = "utf-8"
    lines_before: int = 0

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
            return Statement(day, raw, tuple(map(self._line, rows)))

    def _line(self, row: Row) -> StatementLine:
        return StatementLine(
            line=row.line,
            bank_transaction_id=row.text("transaction_id"),
            reference=row.text("reference", empty=True),
            amount=row.read("amount", Money.parse),
            movement=Movement.CREDIT,
            booked_at=row.read("booked_at", lambda cell: read_vietnam_time(cell, self.time_pattern)),
        )
