"""The report, the sentences, the totals, the lifecycles: pure."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest

from payment_hub.domain.wire import to_wire
from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.reports import as_csv, as_json, harmless
from reconciliation.domain.rules import RULE_OF
from reconciliation.domain.runs import RunState
from reconciliation.domain.texts import LANGUAGES
from reconciliation.domain.totals import (
    Book,
    Figure,
    Line,
)
from reconciliation.domain.views import Amount, FindingView, RunView, totals_view

DAY = date(2026, 3, 2)


NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)


def a_finding(kind: DiscrepancyKind = DiscrepancyKind.AMOUNT_MISMATCH, case: str = "T1") -> FindingView:
    """A case in which a thousand dong are lacking."""
    sides = (Amount(1, 1_150_000, "VND"), Amount(1, 1_149_000, "VND"))
    return FindingView(case, kind, "bank:sandbox", DAY, "G22.99", "DV0", *sides, "line 3, column 2: 1.000")


def a_run() -> RunView:
    """A run with one line of totals."""
    totals = [to_wire(totals_view(Line(Book.HUB, "VND", Figure(1, 5), Figure(1, 5))))]
    return RunView(
        7, "bank:sandbox", DAY, RunState.COMMITTED, "clock", NOON, NOON, None, None, totals, (), {}
    )


def test_amounts_are_written_as_each_language_does() -> None:
    assert "1.150.000 VND" in a_finding().explained("vi").what
    assert "1,150,000 VND" in a_finding().explained("en").what
    assert Amount(1, 123_456, "USD").spoken(".") == "1.234,56 USD"
    assert Amount(0, 0, None).spoken(",") == "0"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM",
        "\tx",
        "\rx",
        "\nx",
        "|cmd",
        "%0",
        "  =1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
    ],
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == "'" + cell
    text = "".join(as_csv(a_run(), [a_finding(case=cell)]))
    records = list(csv.reader(io.StringIO(text, newline="")))
    assert records[-1][0] == "'" + cell


def test_the_csv_has_the_run_its_totals_and_a_line_a_finding() -> None:
    text = "".join(as_csv(a_run(), [a_finding(), a_finding(case="T2")]))
    records = list(csv.reader(io.StringIO(text, newline="")))
    assert records[1] == ["7", "bank:sandbox", "2026-03-02", "COMMITTED"]
    assert records[4] == ["hub", "VND", "1", "5", "1", "5", "0", "0", "0", "0"]
    assert [record[0] for record in records[7:]] == ["T1", "T2"]
    assert records[7][6] == "1150000"
    assert text == "".join(as_csv(a_run(), [a_finding(), a_finding(case="T2")]))


def test_the_json_says_the_same() -> None:
    report = json.loads(as_json(a_run(), [a_finding()]))
    assert report["findings"][0]["other"] == {"items": 1, "amount": "1149000", "currency": "VND"}


@pytest.mark.parametrize("kind", DiscrepancyKind)
def test_every_kind_is_explained_in_both_languages(kind: DiscrepancyKind) -> None:
    for language in LANGUAGES:
        explained = a_finding(kind).explained(language)
        for sentence in (explained.what, explained.cause, explained.who):
            assert sentence.endswith("."), sentence
            assert "{" not in sentence, sentence
    assert a_finding(kind).due_on > DAY
    assert RULE_OF[kind].explanation("vi") != RULE_OF[kind].explanation("en")
