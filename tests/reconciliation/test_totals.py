"""Control totals: a run whose sides do not agree, in count or in amount, is thrown away."""

from __future__ import annotations

import pytest

from reconciliation.domain.totals import (
    Book,
    BooksOutOfBalance,
    Column,
    Figure,
    ItemCount,
    Line,
    control_totals,
    require_balance,
)


def a_line(book: Book, matched: Figure, **more: Figure) -> Line:
    """A line that adds up by itself, unless said otherwise."""
    return Line(book, "VND", **{"items": matched, "matched": matched} | more)


def test_sides_that_agree_in_count_and_not_in_amount_do_not_agree() -> None:
    require_balance(
        [a_line(Book.HUB, Figure(2, 300)), a_line(Book.BANK, Figure(2, 300))], Book.HUB, Book.BANK
    )
    for other in (Figure(2, 299), Figure(2, 301), Figure(1, 300), Figure(3, 300)):
        with pytest.raises(BooksOutOfBalance, match="hub matched"):
            require_balance([a_line(Book.HUB, Figure(2, 300)), a_line(Book.BANK, other)], Book.HUB, Book.BANK)


@pytest.mark.parametrize("column", Column)
def test_a_line_that_adds_up_in_count_and_not_in_amount_does_not_add_up(column: Column) -> None:
    columns = {"matched": Figure(1, 5), "discrepant": Figure(1, 5), "open": Figure(1, 5)}
    require_balance([Line(Book.BANK_FEE, "VND", items=Figure(3, 15), **columns)], Book.HUB, Book.BANK)
    for wrong in (Figure(1, 6), Figure(1, 4), Figure(2, 5)):
        with pytest.raises(BooksOutOfBalance, match="bank_fee VND"):
            require_balance(
                [Line(Book.BANK_FEE, "VND", items=Figure(3, 15), **columns | {column: wrong})],
                Book.HUB,
                Book.BANK,
            )


def test_a_side_of_another_currency_is_no_counterpart() -> None:
    lines = [a_line(Book.HUB, Figure(1, 5)), Line(Book.BANK, "USD", items=Figure(1, 5), matched=Figure(1, 5))]
    with pytest.raises(BooksOutOfBalance):
        require_balance(lines, Book.HUB, Book.BANK)


def test_what_was_looked_into_is_no_longer_matched_at_sight() -> None:
    day = {(Book.HUB, "VND"): Figure(3, 60), (Book.BANK, "VND"): Figure(3, 50)}
    looked_into = [
        ItemCount(Book.HUB, "VND", Column.DISCREPANT, True, Figure(1, 30)),
        ItemCount(Book.BANK, "VND", Column.DISCREPANT, True, Figure(1, 20)),
    ]
    totals = control_totals(day, looked_into)
    assert totals == (
        Line(Book.BANK, "VND", Figure(3, 50), Figure(2, 30), Figure(1, 20)),
        Line(Book.HUB, "VND", Figure(3, 60), Figure(2, 30), Figure(1, 30)),
    )
    require_balance(totals, Book.HUB, Book.BANK)


def test_totals_add_up_or_the_run_is_thrown_away() -> None:
    of_the_day = {
        (Book.HUB, "VND"): Figure(10, 100),
        (Book.BANK, "VND"): Figure(9, 95),
        (Book.BANK_FEE, "VND"): Figure(2, 6),
    }
    looked_into = [
        ItemCount(Book.HUB, "VND", Column.DISCREPANT, True, Figure(2, 10)),
        ItemCount(Book.BANK, "VND", Column.DISCREPANT, True, Figure(1, 5)),
        ItemCount(Book.BANK, "USD", Column.DISCREPANT, False, Figure(1, 1)),
    ]
    totals = control_totals(of_the_day, looked_into)
    require_balance(totals, hub=Book.HUB, other=Book.BANK)
    by_side = {(line.book, line.currency): line for line in totals}
    assert by_side[Book.HUB, "VND"].matched == by_side[Book.BANK, "VND"].matched == Figure(8, 90)
    assert by_side[Book.BANK_FEE, "VND"].open == Figure(2, 6)
    assert by_side[Book.BANK, "USD"].items == Figure(1, 1)
    with pytest.raises(BooksOutOfBalance, match="hub matched"):
        require_balance(control_totals(of_the_day, looked_into[:1]), hub=Book.HUB, other=Book.BANK)
    with pytest.raises(BooksOutOfBalance):
        require_balance([Line(Book.HUB, "VND", items=Figure(1, 1))], hub=Book.HUB, other=Book.BANK)
