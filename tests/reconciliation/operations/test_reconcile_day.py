"""One night, case by case."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Movement, Outcome
from payment_hub.domain.errors import AgencyNotFound, BankNotFound
from payment_hub.domain.money import Money
from reconciliation.books import Books
from reconciliation.domain.runs import MONEY, agency_scope, bank_scope
from reconciliation.operations.runs import collect_and_reconcile, reconcile_day
from tests.builders import an_agency, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.reconciliation.night import AGENCY, BANK, a_night, found, live, paid, rows
from tests.reconciliation.paper import DAY, PaperBank, a_ledger, a_line, a_statement, leave


def test_books_that_agree_have_no_discrepancies(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Three sides, two payments; one is booked under the order's reference, one under the obligation's."""
    first, second = paid(books, agency, portal, "T1"), paid(books, agency, portal, "T2", 70_000)
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T2", 70_000))
    leave(drop, a_ledger((first["reference"], 150_000), (second["obligation"]["reference"], 70_000)))
    for run in a_night(books).values():
        assert found(books, run) == {}
    assert live(books) == {}


def test_each_difference_with_the_bank_has_its_name(
    books: Books, bank: PaperBank, agency: Caller, portal: Caller
) -> None:
    """One of each kind in one statement."""
    for transaction in ("T1", "T2", "T3", "T4", "T5", "T6"):
        paid(books, agency, portal, transaction)
    bank.statements[DAY] = a_statement(
        a_line("T1"),
        a_line("T3", 149_999),
        a_line("T4", Money(150_000, "USD")),
        a_line("T5"),
        a_line("T5"),
        a_line("T6"),
        a_line("T6", movement=Movement.DEBIT),
        a_line("F1", 3_300, movement=Movement.FEE),
    )
    run = collect_and_reconcile(books, scope=BANK, day=DAY)
    assert found(books, run) == {
        "T2": "MISSING_AT_BANK",
        "T3": "AMOUNT_MISMATCH",
        "T4": "CURRENCY_MISMATCH",
        "T5": "DUPLICATE_AT_BANK",
        "T6": "UNEXPLAINED_DEBIT",
    }
    assert live(books) == found(books, run)


def test_each_difference_with_an_agency_has_its_name(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """One of each kind in one ledger."""
    orders = [paid(books, agency, portal, f"T{n}") for n in range(4)]
    unpaid = an_order(books.hub, agency, portal)
    references = [order["reference"] for order in orders]
    leave(
        drop,
        a_ledger(
            (references[0], 150_000),
            (references[1], 15_000),
            (references[2], 150_000),
            (orders[2]["obligation"]["reference"], 150_000),
            (unpaid["reference"], 150_000),
            ("NO-SUCH-THING", 1_000),
        ),
    )
    run = collect_and_reconcile(books, scope=AGENCY, day=DAY)
    obligations = [order["obligation"]["reference"] for order in (*orders, unpaid)]
    assert found(books, run) == {
        obligations[1]: "AGENCY_AMOUNT_MISMATCH",
        obligations[2]: "DUPLICATE_AT_AGENCY",
        obligations[3]: "MISSING_AT_AGENCY",
        obligations[4]: "BOOKED_WITHOUT_RECEIPT",
        "NO-SUCH-THING": "BOOKED_WITHOUT_RECEIPT",
    }


def test_money_left_open_has_a_name_and_adds_up_to_the_ledger(
    books: Books, agency: Caller, portal: Caller
) -> None:
    """I24: what is open is what stands in suspense and overpayment, order by order and together."""
    hub = books.hub
    orders = [an_order(hub, agency, portal)["reference"] for _ in range(6)]
    hear(hub, confirmation("what the payer typed", 9_000, bank_transaction_id="T0"))
    hear(hub, confirmation(orders[0], 100_000))
    hear(hub, confirmation(orders[1], 200_000))
    hear(hub, confirmation(orders[2]))
    hear(hub, confirmation(orders[2]))
    hear(hub, confirmation(orders[3], Money(700, "USD")))
    hear(hub, confirmation(orders[4], bank_transaction_id="T4"))
    hear(hub, confirmation(orders[4], 1_000, bank_transaction_id="T4"))
    hear(hub, confirmation(orders[5]))
    run = reconcile_day(books, scope=MONEY, day=DAY)
    assert found(books, run) == {
        "sandbox:T0 VND": "UNIDENTIFIED_PAYMENT",
        orders[0]: "UNDERPAID",
        orders[1]: "OVERPAID",
        orders[2]: "PAID_TWICE",
        f"{orders[3]} USD": "WRONG_CURRENCY",
        orders[4]: "CONFLICTING_CONFIRMATIONS",
    }
    left_open = rows(
        books, f"SELECT hub_currency, sum(hub_amount)::bigint FROM finding WHERE run_id = {run} GROUP BY 1"
    )
    balances = rows(
        books,
        "SELECT currency, sum(CASE WHEN credit IN ('SUSPENSE', 'OVERPAYMENT') THEN amount ELSE 0 END"
        " - CASE WHEN debit IN ('SUSPENSE', 'OVERPAYMENT') THEN amount ELSE 0 END)::bigint FROM posting GROUP BY 1",
    )
    assert sorted(left_open) == sorted(balances)
    hear(hub, confirmation(orders[0], 50_000))
    reconcile_day(books, scope=MONEY, day=DAY)
    assert orders[0] not in live(books)


def test_a_bank_that_says_paid_and_declined_of_one_payment_is_reported(
    books: Books, agency: Caller, portal: Caller
) -> None:
    """The money counts, and an officer must ask which is true."""
    order = an_order(books.hub, agency, portal)
    with books.hub.transaction() as session:
        session.execute(
            text(
                "INSERT INTO payment_attempt (order_id, number, reference, bank, state, amount, currency, started_at,"
                " changed_at, query_at) SELECT id, 1, reference || '-1', 'sandbox', 'PENDING', required, currency,"
                " :now, :now, :now FROM payment_order"
            ),
            {"now": books.now()},
        )
    attempt = f"{order['reference']}-1"
    hear(books.hub, confirmation(attempt, bank_transaction_id="T1"))
    hear(books.hub, confirmation(attempt, None, outcome=Outcome.DECLINED, bank_transaction_id=None))
    run = reconcile_day(books, scope=MONEY, day=DAY)
    assert found(books, run) == {order["reference"]: "CONFLICTING_CONFIRMATIONS"}


def test_money_that_only_the_statement_tells_of_settles_its_order(
    books: Books, bank: PaperBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """The callback was lost; the purpose is free text; the night is half past one on the next day."""
    order = an_order(books.hub, agency, portal, minutes=180)
    purpose = f"NGUYEN VAN A nop phat {order['reference'].lower()} ngay 02/03"
    bank.statements[DAY] = a_statement(a_line("T1", 150_000, purpose), a_line("T2", 5_000, "thank you"))
    clock.advance(hours=15, minutes=30)
    runs = a_night(books)
    assert rows(
        books, "SELECT bank_transaction_id, order_id IS NOT NULL, day FROM collection ORDER BY 1"
    ) == [
        ("T1", True, DAY),
        ("T2", False, DAY),
    ]
    assert rows(books, "SELECT status, late FROM payment_order") == [("PAID", False)]
    assert rows(books, "SELECT source, count(*) FROM confirmation GROUP BY 1") == [("STATEMENT", 2)]
    assert found(books, runs[str(BANK)]) == {}
    assert found(books, runs[str(MONEY)]) == {"sandbox:T2 VND": "UNIDENTIFIED_PAYMENT"}
    a_night(books)
    assert rows(books, "SELECT count(*) FROM confirmation") == [(2,)]


def test_an_agency_cannot_book_another_agencys_order(
    books: Books, drop: Path, agency: Caller, portal: Caller
) -> None:
    """It is as unknown to it as anything else that is not its own."""

    other = an_agency(books.hub, "H01.1", receipt_series="BB26E")
    order = paid(books, other, portal, "T1")
    leave(drop, a_ledger((order["reference"], 150_000)))
    run = collect_and_reconcile(books, scope=AGENCY, day=DAY)
    assert found(books, run) == {order["reference"]: "BOOKED_WITHOUT_RECEIPT"}
    assert rows(books, f"SELECT order_reference FROM finding WHERE run_id = {run}") == [(None,)]


def test_an_order_of_nothing_has_a_receipt_that_nobody_books(
    books: Books, drop: Path, agency: Caller, portal: Caller
) -> None:
    """It is not missing at the agency."""
    an_order(books.hub, agency, portal, amount=0)
    leave(drop, a_ledger())
    assert found(books, collect_and_reconcile(books, scope=AGENCY, day=DAY)) == {}


def test_unknown_books_are_refused(books: Books) -> None:
    """By name, and no run is written down."""
    with pytest.raises(BankNotFound):
        reconcile_day(books, scope=bank_scope("nobank"), day=DAY)
    with pytest.raises(AgencyNotFound):
        reconcile_day(books, scope=agency_scope("NOBODY"), day=DAY + timedelta(days=1))
    assert rows(books, "SELECT count(*) FROM reconciliation_run") == [(0,)]
