"""The report, the sentences, the totals, the lifecycles: pure."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest

from payment_hub.domain.errors import Malformed
from payment_hub.domain.wire import to_wire
from reconciliation.domain.discrepancies import DISCREPANCY_LIFE, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.matching import Case, waits
from reconciliation.domain.reports import as_csv, as_json, harmless
from reconciliation.domain.runs import MONEY, RUN_LIFE, RunState, Scope, Side, bank_scope, run_key
from reconciliation.domain.sentences import SENTENCES
from reconciliation.domain.totals import (
    BooksOutOfBalance,
    Column,
    Figure,
    Line,
    control_totals,
    require_balance,
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
    totals = [to_wire(totals_view(Line("hub", "VND", Figure(1, 5), Figure(1, 5))))]
    return RunView(
        7, "bank:sandbox", DAY, RunState.COMMITTED, "clock", NOON, NOON, None, None, totals, (), {}
    )


@pytest.mark.parametrize("kind", DiscrepancyKind)
def test_every_kind_is_said_in_both_languages(kind: DiscrepancyKind) -> None:
    for language in ("vi", "en"):
        said = a_finding(kind).explained(language)
        assert set(said) == {"what", "cause", "who"}
        for sentence in said.values():
            assert sentence.endswith("."), sentence
            assert "{" not in sentence, sentence
    assert a_finding(kind).due_on > DAY
    assert SENTENCES[kind].vi != SENTENCES[kind].en


def test_amounts_are_written_as_each_language_does() -> None:
    assert "1.150.000 VND" in a_finding().explained("vi")["what"]
    assert "1,150,000 VND" in a_finding().explained("en")["what"]
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


def test_totals_add_up_or_the_run_is_thrown_away() -> None:
    of_the_day = {
        ("hub", "VND"): Figure(10, 100),
        ("bank", "VND"): Figure(9, 95),
        ("bank_fee", "VND"): Figure(2, 6),
    }
    looked_into = [
        ("hub", "VND", Column.DISCREPANT, True, Figure(2, 10)),
        ("bank", "VND", Column.DISCREPANT, True, Figure(1, 5)),
        ("bank", "USD", Column.DISCREPANT, False, Figure(1, 1)),
    ]
    totals = control_totals(of_the_day, looked_into)
    require_balance(totals, hub="hub", other="bank")
    by_side = {(line.side, line.currency): line for line in totals}
    assert by_side["hub", "VND"].matched == by_side["bank", "VND"].matched == Figure(8, 90)
    assert by_side["bank_fee", "VND"].open == Figure(2, 6)
    assert by_side["bank", "USD"].items == Figure(1, 1)
    with pytest.raises(BooksOutOfBalance, match="hub matched"):
        require_balance(control_totals(of_the_day, looked_into[:1]), hub="hub", other="bank")
    with pytest.raises(BooksOutOfBalance):
        require_balance([Line("hub", "VND", items=Figure(1, 1))], hub="hub", other="bank")


def test_a_run_is_known_by_everything_that_it_depends_on() -> None:
    key = run_key(bank_scope("a"), DAY, files=["x", "y"], facts=1)
    assert key == run_key(bank_scope("a"), DAY, files=["y", "x"], facts=1)
    others = [
        run_key(bank_scope("b"), DAY, files=["x", "y"], facts=1),
        run_key(bank_scope("a"), date(2026, 3, 3), files=["x", "y"], facts=1),
        run_key(bank_scope("a"), DAY, files=["x"], facts=1),
        run_key(bank_scope("a"), DAY, files=["x", "y"], facts=2),
    ]
    assert len({key, *others}) == 5


def test_a_case_waits_only_while_the_file_is_awaited() -> None:
    assert waits(Side.BANK, Case(hub_items=1, hub_amount=5, hub_currency="VND", awaited=True))
    assert not waits(Side.BANK, Case(hub_items=1, hub_amount=5, hub_currency="VND"))
    assert not waits(Side.BANK, Case())


@pytest.mark.parametrize("text", ["", "bank", "bank:", "nobody:x", "money:x", ":", "x" * 1000])
def test_a_scope_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Scope.parse(text)


def test_a_scope_reads_what_it_writes() -> None:
    for scope in (MONEY, bank_scope("vnpay")):
        assert Scope.parse(str(scope)) == scope


def test_the_lives_end_where_they_should() -> None:
    assert [state for state in DiscrepancyState if DISCREPANCY_LIFE.is_final(state)] == [
        "RESOLVED",
        "AUTO_RESOLVED",
    ]
    assert [state for state in RunState if RUN_LIFE.is_final(state)] == ["COMMITTED", "REPEATED", "FAILED"]
