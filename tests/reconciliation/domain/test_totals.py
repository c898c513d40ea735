"""Control totals: a run whose sides do not agree, in count or in amount, is thrown away."""

from __future__ import annotations

import pytest

from reconciliation.domain.totals import (
    BooksOutOfBalance,
    Column,
    Figure,
    Line,
    control_totals,
    require_balance,
)


def a_line(side: str, matched: Figure, **more: Figure) -> Line:
    """A line that adds up by itself, unless said otherwise."""
    return Line(side, "VND", **{"items": matched, "matched": matched} | more)


def test_sides_that_agree_in_count_and_not_in_amount_do_not_agree() -> None:
    require_balance([a_line("hub", Figure(2, 300)), a_line("bank", Figure(2, 300))], "hub", "bank")
    for other in (Figure(2, 299), Figure(2, 301), Figure(1, 300), Figure(3, 300)):
        with pytest.raises(BooksOutOfBalance, match="hub matched"):
            require_balance([a_line("hub", Figure(2, 300)), a_line("bank", other)], "hub", "bank")


@pytest.mark.parametrize("column", Column)
def test_a_line_that_adds_up_in_count_and_not_in_amount_does_not_add_up(column: Column) -> None:
    columns = {"matched": Figure(1, 5), "discrepant": Figure(1, 5), "open": Figure(1, 5)}
    require_balance([Line("bank_fee", "VND", items=Figure(3, 15), **columns)], "hub", "bank")
    for wrong in (Figure(1, 6), Figure(1, 4), Figure(2, 5)):
        with pytest.raises(BooksOutOfBalance, match="bank_fee VND"):
            require_balance(
                [Line("bank_fee", "VND", items=Figure(3, 15), **columns | {column: wrong})], "hub", "bank"
            )


def test_a_side_of_another_currency_is_no_counterpart() -> None:
    lines = [a_line("hub", Figure(1, 5)), Line("bank", "USD", items=Figure(1, 5), matched=Figure(1, 5))]
    with pytest.raises(BooksOutOfBalance):
        require_balance(lines, "hub", "bank")


def test_what_was_looked_into_is_no_longer_matched_at_sight() -> None:
    day = {("hub", "VND"): Figure(3, 60), ("bank", "VND"): Figure(3, 50)}
    looked_into = [
        ("hub", "VND", Column.DISCREPANT, True, Figure(1, 30)),
        ("bank", "VND", Column.DISCREPANT, True, Figure(1, 20)),
    ]
    totals = control_totals(day, looked_into)
    assert totals == (
        Line("bank", "VND", Figure(3, 50), Figure(2, 30), Figure(1, 20)),
        Line("hub", "VND", Figure(3, 60), Figure(2, 30), Figure(1, 30)),
    )
    require_balance(totals, "hub", "bank")
