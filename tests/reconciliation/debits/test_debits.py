"""Every debit is one refund or one chargeback, or somebody's work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.refunds.lifecycle import RefundReason
from reconciliation.books import Books
from reconciliation.operations.runs import collect_and_reconcile, reconcile_day
from tests.asking import rows
from tests.conftest import StoppedClock
from tests.reconciliation.night import BANK, found, live
from tests.reconciliation.paper import DAY, NEXT_DAY, a_line, a_statement
from tests.reconciliation.refunds import (
    PAID,
    THIRD,
    PaperRefunds,
    a_debit,
    a_refund,
    night,
    returned_as,
    totals,
)
from tests.refunding import a_paid_order
from tests.stand_in_banks import says


@pytest.mark.parametrize("amount", [PAID, THIRD])
@pytest.mark.parametrize("named", ["by bank", "refund", "money", "order", "attempt", "purpose"])
def test_an_ordinary_refund_is_nobodys_work(
    books: Books, bank: PaperRefunds, order: str, named: str, amount: int
) -> None:
    refund = a_refund(books.hub, bank, order, amount, says(returned_as("BR1")))
    line = {
        "by bank": a_debit("BR1", amount),
        "refund": a_debit("X1", amount, refund),
        "money": a_debit("T1", amount),
        "order": a_debit("X1", amount, order),
        "attempt": a_debit("X1", amount, f"{order}-1"),
        "purpose": a_debit("X1", amount, f"Hoan tien {refund.lower()} cho nguoi nop"),
    }[named]
    assert night(books, bank, line) == {}
    (run,) = rows(books.hub, "SELECT max(id) AS id FROM reconciliation_run")
    shown = totals(books, run["id"])
    assert shown == dict.fromkeys(("hub", "bank", "paid_back", "bank_debit"), (1, 1, 0, 0))
    assert live(books) == {}


def test_a_refund_that_was_debited_twice_is_found(books: Books, bank: PaperRefunds, order: str) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    assert night(books, bank, a_debit("BR1", THIRD), a_debit("BR1", THIRD)) == {refund: "DUPLICATE_REFUND"}
    (case,) = rows(books.hub, "SELECT hub_amount, other_items, other_amount, order_reference FROM finding")
    assert tuple(case.values()) == (THIRD, 2, 2 * THIRD, order)


@pytest.mark.parametrize("second", ["BR1", "T1", "X1"])
def test_the_second_debit_may_come_a_day_later_and_under_another_name(
    books: Books, bank: PaperRefunds, order: str, second: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    assert night(books, bank, a_debit("BR1", THIRD)) == {}
    assert night(books, bank, a_debit(second, THIRD, order), next_day=True) == {refund: "DUPLICATE_REFUND"}
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {refund: "DUPLICATE_REFUND"}


def test_part_refunds_of_one_payment_each_have_their_debit(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    for n, amount in enumerate((THIRD, THIRD, 20_000), start=1):
        reason = (RefundReason.OTHER, RefundReason.NOT_OWED, RefundReason.WRONG_PAYMENT)[n - 1]
        a_refund(books.hub, bank, order, amount, says(returned_as(None)), f"R{n}", reason=reason)
    lines = [a_debit("T1", THIRD), a_debit("T1", 20_000), a_debit("T1", THIRD)]
    assert night(books, bank, *lines) == {}
    assert list(night(books, bank, *lines, a_debit("T1", THIRD)).values()) == ["DUPLICATE_REFUND"]
    assert night(books, bank, *lines, a_debit("T1", 30_000))["T1"] == "UNEXPLAINED_DEBIT"


def test_two_equal_refunds_of_which_one_is_not_shown(books: Books, bank: PaperRefunds, order: str) -> None:
    first = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    a_refund(books.hub, bank, order, THIRD, says(returned_as("BR2")), "R2", reason=RefundReason.OTHER)
    assert night(books, bank, a_debit("BR2", THIRD)) == {}
    assert night(books, bank, next_day=True) == {first: "REFUND_MISSING_AT_BANK"}


def test_a_refund_may_stand_in_the_statement_of_the_next_day(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    assert night(books, bank) == {}
    run = reconcile_day(books, scope=BANK, day=DAY)
    assert totals(books, run)["paid_back"] == (1, 0, 0, 1)
    assert night(books, bank, a_debit("BR1", THIRD), next_day=True) == {}
    assert live(books) == {}


def test_a_refund_that_two_statements_do_not_show_is_missed_until_a_later_one_shows_it(
    books: Books, bank: PaperRefunds, order: str, clock: StoppedClock
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    assert night(books, bank) == {}
    assert night(books, bank, next_day=True) == {refund: "REFUND_MISSING_AT_BANK"}
    later = NEXT_DAY.replace(day=9)
    bank.statements[later] = a_statement(a_debit("BR1", THIRD), day=later)
    assert found(books, collect_and_reconcile(books, scope=BANK, day=later)) == {}
    assert live(books) == {}


def test_nothing_is_missing_in_a_file_that_never_shows_debits(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    bank.statements[DAY] = replace(a_statement(a_line("T1", PAID)), shows_debits=False)
    bank.statements[NEXT_DAY] = replace(a_statement(day=NEXT_DAY), shows_debits=False)
    for day in (DAY, NEXT_DAY):
        run = collect_and_reconcile(books, scope=BANK, day=day)
        assert (found(books, run), totals(books, run)["paid_back"]) == ({}, (1, 0, 0, 1))


def test_a_debit_of_a_refund_through_another_bank_is_not_explained(
    books: Books, bank: PaperRefunds, agency: Caller, portal: Caller, order: str
) -> None:
    theirs = a_paid_order(books.hub, agency, portal, bank="other", bank_transaction_id="T1")
    refund = a_refund(books.hub, bank, theirs, THIRD, says(returned_as("BR1")))
    lines = [a_debit("BR1", THIRD), a_debit("X1", THIRD, refund), a_debit("X2", THIRD, theirs)]
    assert night(books, bank, *lines) == dict.fromkeys(("BR1", "X1", "X2"), "UNEXPLAINED_DEBIT")


def test_a_debit_of_another_amount_is_not_this_refund(books: Books, bank: PaperRefunds, order: str) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    assert night(books, bank, a_debit("T1", THIRD - 1)) == {"T1": "UNEXPLAINED_DEBIT"}
    assert night(books, bank, a_debit("BR1", THIRD - 1)) == {
        refund: "REFUND_AMOUNT_MISMATCH",
        "T1": "UNEXPLAINED_DEBIT",
    }


def test_a_credit_that_is_called_like_a_refund_spoils_no_night(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    lines = [a_line(refund, 7_000), a_debit("BR1", THIRD)]
    assert night(books, bank, *lines) == {refund: "UNEXPLAINED_DEBIT"}
