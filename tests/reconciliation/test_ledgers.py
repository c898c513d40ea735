"""Files: refused whole with line and column, kept, and no reason for the rest of the night to stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from payment_hub.domain.access import Caller
from reconciliation.books import Books
from reconciliation.ledgers import csv_drop
from reconciliation.operations.discrepancies import list_discrepancies
from reconciliation.operations.ledgers import collect_ledgers
from tests.reconciliation.nights import AGENCY, a_night, live, paid, rows
from tests.reconciliation.stubs import DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.orders import an_agency

HEADING = "entry_number,order_reference,amount,currency,booked_on,receipt_number\n"


GOOD = "1,QD-1,150000,VND,2026-03-02,\n"


TOTAL = "total,1,150000,VND,,\n"


BAD = {
    "a grouped amount": (HEADING + "1,QD-1,1.000,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "a decimal": (HEADING + "1,QD-1,150000.0,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "an exponent": (HEADING + "1,QD-1,15e4,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "a negative amount": (HEADING + "1,QD-1,-150000,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "nothing": (HEADING + "1,QD-1,0,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "other digits": (HEADING + "1,QD-1,１５００００,VND,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "an amount beyond all sums": (
        HEADING + f"1,QD-1,{'9' * 5000},VND,2026-03-02,\n" + TOTAL,
        "line 2, column 3",
    ),
    "an unknown currency": (HEADING + "1,QD-1,150000,XYZ,2026-03-02,\n" + TOTAL, "line 2, column 3"),
    "more than anybody owes": (
        HEADING + "1,QD-1,1000000000001,VND,2026-03-02,\n" + TOTAL,
        "line 2, column 3",
    ),
    "a day in the totals": (HEADING + GOOD + "total,1,150000,VND,2026-03-02,\n", "line 3, column 5"),
    "another day": (HEADING + "1,QD-1,150000,VND,2026-03-01,\n" + TOTAL, "line 2, column 5"),
    "a day written otherwise": (HEADING + "1,QD-1,150000,VND,02/03/2026,\n" + TOTAL, "line 2, column 5"),
    "no reference": (HEADING + "1,,150000,VND,2026-03-02,\n" + TOTAL, "line 2, column 2"),
    "a column too few": (HEADING + "1,QD-1,150000,VND,2026-03-02\n" + TOTAL, "line 2, column 5"),
    "an entry twice": (HEADING + GOOD + GOOD + "total,2,300000,VND,,\n", "line 3, column 1"),
    "another count": (HEADING + GOOD + "total,2,150000,VND,,\n", "line 3, column 2"),
    "another sum": (HEADING + GOOD + "total,1,150001,VND,,\n", "line 3, column 3"),
    "no totals": (HEADING + GOOD, "line 3, column 1"),
    "something after the totals": (HEADING + GOOD + TOTAL + GOOD, "line 4, column 1"),
    "another heading": ("number,reference\n", "line 1, column 1"),
    "an empty file": ("", "line 1, column 1"),
    "an open quotation mark": (HEADING + '1,"QD-1,150000,VND,2026-03-02,\n', "line 2, column 1"),
    "a NUL": (HEADING + "1,QD\0-1,150000,VND,2026-03-02,\n" + TOTAL, "line 2, column 5"),
    "a control character": (HEADING + "1,QD\x07-1,150000,VND,2026-03-02,\n" + TOTAL, "line 2, column 2"),
    "mixed currencies": (
        HEADING + GOOD + "2,QD-2,1.00,USD,2026-03-02,\ntotal,2,150000,VND,,\n",
        "line 4, column 4",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_ledger_is_refused_with_line_and_column(
    name: str, books: Books, drop: Path, agency: Caller
) -> None:
    """Nothing of it is taken, and it is kept byte for byte."""
    content, place = BAD[name]
    leave(drop, content.encode())
    (kept,) = collect_ledgers(books, day=DAY)
    assert kept.refused is not None
    assert kept.refused.startswith(place), kept.refused
    assert rows(books, "SELECT state, raw, lines FROM ledger_file") == [("REFUSED", content.encode(), 0)]
    assert rows(books, "SELECT count(*) FROM ledger_entry") == [(0,)]


def test_bytes_that_are_not_utf_8_are_refused_where_they_stand(
    books: Books, drop: Path, agency: Caller
) -> None:
    """Line and column count from 1."""
    leave(drop, (HEADING + "1,QD-1").encode() + b"\xff,150000,VND,2026-03-02,\n")
    (kept,) = collect_ledgers(books, day=DAY)
    assert kept.refused == "line 2, column 7: a byte that is not UTF-8"


def test_a_file_too_large_is_refused_before_it_is_read(
    books: Books, drop: Path, agency: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of it is its beginning."""
    monkeypatch.setattr(csv_drop, "LARGEST", 100)
    leave(drop, (HEADING + GOOD + TOTAL).encode())
    (kept,) = collect_ledgers(books, day=DAY)
    assert kept.refused == "line 1, column 1: the file is larger than 100 bytes"
    assert rows(books, "SELECT length(raw) FROM ledger_file") == [(101,)]


def test_without_a_folder_there_are_no_ledgers(tmp_path: Path) -> None:
    """Neither when none is set, nor when it is not there, nor for what only looks like a ledger."""
    for folder in (None, tmp_path / "nowhere", tmp_path):
        assert list(csv_drop.CsvDrop(folder).read_ledgers(DAY)) == []
    (tmp_path / "G22.99_2026-03-02.csv").symlink_to("/etc/hostname")
    (tmp_path / "H01.1_2026-03-02.csv").mkdir()
    (tmp_path / "lower case_2026-03-02.csv").write_text("x")
    assert csv_drop.CsvDrop(tmp_path).agencies(DAY) == ()


def test_a_byte_order_mark_and_windows_lines_are_taken(books: Books, drop: Path, agency: Caller) -> None:
    """What a spreadsheet writes."""
    leave(drop, b"\xef\xbb\xbf" + (HEADING + GOOD + TOTAL).replace("\n", "\r\n").encode())
    assert [kept.new_entries for kept in collect_ledgers(books, day=DAY)] == [1]


def test_one_bad_file_does_not_stop_the_night(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Its agency and the officer are told; the other agency and the bank are compared."""
    other = an_agency(books.hub, "H01.1", receipt_series="BB26E")
    order = paid(books, other, portal, "T1")
    paid(books, agency, portal, "T2")
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T2"))
    leave(drop, a_ledger((order["reference"], 150_000)), agency="H01.1")
    leave(drop, b"rubbish")
    leave(drop, b"rubbish", agency="NOBODY")
    kept = collect_ledgers(books, day=DAY)
    assert [(file.agency, file.refused is None) for file in kept] == [("G22.99", False), ("H01.1", True)]
    a_night(books)
    assert live(books) == {"ledger of 2026-03-02": "LEDGER_REFUSED"}
    (seen,) = list_discrepancies(books, caller=agency).items
    assert seen.finding.explained("en").what.startswith(
        "The ledger of 2026-03-02 from G22.99 was refused: line 1, column 1"
    )
    leave(drop, a_ledger(("QD-404", 1)))
    a_night(books)
    assert "ledger of 2026-03-02" not in live(books)


def test_the_agency_of_a_missing_ledger_is_asked_for_it(
    books: Books, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Its name is on the case."""
    paid(books, agency, portal, "T1")
    a_night(books)
    cases = list_discrepancies(books, caller=agency).items
    assert [(case.finding.kind, case.finding.agency) for case in cases] == [("LEDGER_MISSING", "G22.99")]
    assert AGENCY.code == "G22.99"
