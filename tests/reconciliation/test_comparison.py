"""One night, case by case: a planned day, what comes late, what comes again, and random books against the model."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Movement, Outcome
from payment_hub.domain.errors import AgencyNotFound, BankNotFound
from payment_hub.domain.money import Money
from reconciliation.books import Books
from reconciliation.domain.runs import MONEY, Side, agency_scope, bank_scope
from reconciliation.operations.runs import collect_and_reconcile, export_report, reconcile_day, show_run
from reconciliation.operations.statements import collect_statement
from tests.conftest import StoppedClock
from tests.reconciliation.model import Case, classify
from tests.reconciliation.nights import AGENCY, BANK, a_night, an_officer, empty, found, live, paid, rows
from tests.reconciliation.stubs import DAY, NEXT_DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.orders import an_agency, an_obligation, an_order, confirmation, receive


def test_books_that_agree_have_no_discrepancies(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Three sides, two payments; one is booked under the order's reference, one under the obligation's."""
    first, second = paid(books, agency, portal, "T1"), paid(books, agency, portal, "T2", 70_000)
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T2", 70_000))
    leave(drop, a_ledger((first["reference"], 150_000), (second["obligation"]["reference"], 70_000)))
    for run in a_night(books).values():
        assert found(books, run) == {}
    assert live(books) == {}


#: A planned day of a bank: what the hub collected, what the statement has, and what the case is called.
BANK_DAY: Final = {
    "T1": (150_000, [a_line("T1")], None),
    "T2": (150_000, [], "MISSING_AT_BANK"),
    "T3": (150_000, [a_line("T3", 149_999)], "AMOUNT_MISMATCH"),
    "T4": (150_000, [a_line("T4", Money(150_000, "USD"))], "CURRENCY_MISMATCH"),
    "T5": (150_000, [a_line("T5"), a_line("T5")], "DUPLICATE_AT_BANK"),
    "T6": (150_000, [a_line("T6"), a_line("T6", movement=Movement.DEBIT)], "UNEXPLAINED_DEBIT"),
    "T7": (None, [a_line("T7", 9_000, movement=Movement.DEBIT)], "UNEXPLAINED_DEBIT"),
    "T8": (None, [a_line("T8", 9_000)], "MISSING_IN_HUB"),
    "F1": (None, [a_line("F1", 3_300, movement=Movement.FEE)], None),
}


def test_a_planned_day_of_a_bank(books: Books, bank: StubBank, agency: Caller, portal: Caller) -> None:
    """What the hub would learn from the statement itself is kept from it: T8 stays missing."""
    without_confirming = replace(books, confirm=lambda **_: None)
    for transaction, (amount, _, _) in BANK_DAY.items():
        if amount is not None:
            paid(books, agency, portal, transaction, amount)
    bank.statements[DAY] = a_statement(*(line for _, lines, _ in BANK_DAY.values() for line in lines))
    run = collect_and_reconcile(without_confirming, scope=BANK, day=DAY)
    assert found(books, run) == {key: kind for key, (_, _, kind) in BANK_DAY.items() if kind is not None}
    assert live(books) == found(books, run)


#: A planned day of an agency: whether the order was paid, what the agency booked by order reference and by obligation
#: reference, and what the case is called.
AGENCY_DAY: Final[tuple[tuple[bool, list[int], list[int], str | None], ...]] = (
    (True, [150_000], [], None),
    (True, [], [150_000], None),
    (True, [15_000], [], "AGENCY_AMOUNT_MISMATCH"),
    (True, [150_000], [150_000], "DUPLICATE_AT_AGENCY"),
    (True, [], [], "MISSING_AT_AGENCY"),
    (False, [150_000], [], "BOOKED_WITHOUT_RECEIPT"),
)


def test_a_planned_day_of_an_agency(books: Books, drop: Path, agency: Caller, portal: Caller) -> None:
    entries, expected = [("NO-SUCH-THING", 1_000)], {"NO-SUCH-THING": "BOOKED_WITHOUT_RECEIPT"}
    for n, (is_paid, by_order, by_obligation, kind) in enumerate(AGENCY_DAY):
        order = paid(books, agency, portal, f"T{n}") if is_paid else an_order(books.hub, agency, portal)
        obligation = order["obligation"]["reference"]
        entries += [(order["reference"], amount) for amount in by_order]
        entries += [(obligation, amount) for amount in by_obligation]
        expected |= {} if kind is None else {obligation: kind}
    leave(drop, a_ledger(*entries))
    assert found(books, collect_and_reconcile(books, scope=AGENCY, day=DAY)) == expected


def test_money_left_open_has_a_name_and_adds_up_to_the_ledger(
    books: Books, agency: Caller, portal: Caller
) -> None:
    """I24: what is open is what stands in suspense and overpayment, order by order and together."""
    hub = books.hub
    orders = [an_order(hub, agency, portal)["reference"] for _ in range(6)]
    receive(hub, confirmation("what the payer typed", 9_000, bank_transaction_id="T0"))
    receive(hub, confirmation(orders[0], 100_000))
    receive(hub, confirmation(orders[1], 200_000))
    receive(hub, confirmation(orders[2]))
    receive(hub, confirmation(orders[2]))
    receive(hub, confirmation(orders[3], Money(700, "USD")))
    receive(hub, confirmation(orders[4], bank_transaction_id="T4"))
    receive(hub, confirmation(orders[4], 1_000, bank_transaction_id="T4"))
    receive(hub, confirmation(orders[5]))
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
    receive(hub, confirmation(orders[0], 50_000))
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
    receive(books.hub, confirmation(attempt, bank_transaction_id="T1"))
    receive(books.hub, confirmation(attempt, None, outcome=Outcome.DECLINED, bank_transaction_id=None))
    run = reconcile_day(books, scope=MONEY, day=DAY)
    assert found(books, run) == {order["reference"]: "CONFLICTING_CONFIRMATIONS"}


def test_money_that_only_the_statement_tells_of_settles_its_order(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
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


def test_what_comes_late_heals_yesterday(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """A payment after the bank's cut-off stands in the next statement; the agency books it a day late."""
    order = paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement()
    leave(drop, a_ledger())
    a_night(books)
    reference = order["obligation"]["reference"]
    assert live(books) == {"T1": "MISSING_AT_BANK", reference: "MISSING_AT_AGENCY"}
    clock.advance(days=1)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), day=NEXT_DAY)
    leave(drop, a_ledger((order["reference"], 150_000), day=NEXT_DAY), day=NEXT_DAY)
    runs = a_night(books, NEXT_DAY)
    assert live(books) == {}
    assert rows(books, "SELECT state, auto_resolved_by FROM discrepancy ORDER BY id") == [
        ("AUTO_RESOLVED", runs[str(BANK)]),
        ("AUTO_RESOLVED", runs[str(AGENCY)]),
    ]
    assert a_night(books, NEXT_DAY) == runs


def test_without_the_file_nothing_is_missing_but_the_file(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller
) -> None:
    """Items wait as open; when the file comes at last, they match and the file's case heals."""
    order = paid(books, agency, portal, "T1")
    numbers = a_night(books)
    assert live(books) == {
        "statement of 2026-03-02": "STATEMENT_MISSING",
        "ledger of 2026-03-02": "LEDGER_MISSING",
    }
    view = show_run(books, caller=an_officer("lan"), run=numbers[str(AGENCY)])
    assert view.totals == [
        {
            "side": "hub",
            "currency": "VND",
            "items": {"count": 1, "amount": "150000"},
            "matched": {"count": 0, "amount": "0"},
            "discrepant": {"count": 0, "amount": "0"},
            "open": {"count": 1, "amount": "150000"},
        }
    ]
    bank.statements[DAY] = a_statement(a_line("T1"))
    leave(drop, a_ledger((order["reference"], 150_000)))
    a_night(books)
    assert live(books) == {}


def test_the_same_day_again_gives_the_same_run_and_the_same_bytes(
    books: Books, bank: StubBank, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """I21. Also when the run has healed something that an earlier day had left."""
    paid(books, agency, portal, "T1")
    paid(books, agency, portal, "T2")
    bank.statements[DAY] = a_statement()
    a_night(books)
    clock.advance(days=1)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1"), a_line("T2", 1_000), day=NEXT_DAY)
    first = a_night(books, NEXT_DAY)
    officer = an_officer("lan")
    reports = {run: export_report(books, caller=officer, run=run) for run in first.values()}
    clock.advance(days=20)
    assert a_night(books, NEXT_DAY) == first
    assert {run: export_report(books, caller=officer, run=run) for run in first.values()} == reports
    repeated = rows(books, "SELECT id FROM reconciliation_run WHERE state = 'REPEATED' ORDER BY id")
    again = [export_report(books, caller=officer, run=run) for (run,) in repeated]
    assert sorted(again) == sorted(reports.values())


def test_a_file_of_the_same_day_with_more_lines_adds_only_what_is_new(
    books: Books, bank: StubBank, agency: Caller, portal: Caller
) -> None:
    """I22: by file hash, and by line identity."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"), a_line("T1"))
    collect_and_reconcile(books, scope=BANK, day=DAY)
    collect_and_reconcile(books, scope=BANK, day=DAY)
    assert rows(books, "SELECT count(*) FROM statement_file") == [(1,)]
    bank.statements[DAY] = a_statement(a_line("T9", 9_000), a_line("T1"), a_line("T1"))
    collect_and_reconcile(books, scope=BANK, day=DAY)
    assert rows(
        books, "SELECT bank_transaction_id, occurrence, repeated FROM statement_line ORDER BY 1, 2"
    ) == [
        ("T1", 1, False),
        ("T1", 2, True),
        ("T9", 1, False),
    ]


def test_a_transaction_again_in_a_later_statement_is_a_duplicate_on_both_days(
    books: Books, bank: StubBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """It pairs off at sight on its own day, and must not be believed for it."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"))
    a_night(books)
    bank.statements[NEXT_DAY] = a_statement(a_line("T1", booked_at=clock()), day=NEXT_DAY)
    late = collect_and_reconcile(books, scope=BANK, day=NEXT_DAY)
    assert found(books, late) == {"T1": "DUPLICATE_AT_BANK"}
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {"T1": "DUPLICATE_AT_BANK"}


def test_an_obligation_booked_before_it_was_paid_heals_when_the_money_comes(
    books: Books, drop: Path, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """The case has the agency's own reference, so it does not matter when the hub learns of the order."""
    reference = an_obligation(books.hub, agency)
    leave(drop, a_ledger((reference, 150_000)))
    collect_and_reconcile(books, scope=AGENCY, day=DAY)
    assert live(books) == {reference: "BOOKED_WITHOUT_RECEIPT"}
    clock.advance(days=1)
    order = an_order(books.hub, agency, portal, obligation=reference)
    receive(books.hub, confirmation(order["reference"]))
    leave(drop, a_ledger(day=NEXT_DAY), day=NEXT_DAY)
    collect_and_reconcile(books, scope=AGENCY, day=NEXT_DAY)
    assert live(books) == {}


DAYS = {DAY: datetime(2026, 3, 2, 5, tzinfo=UTC), NEXT_DAY: datetime(2026, 3, 3, 5, tzinfo=UTC)}


transactions = st.sampled_from(["T1", "T2", "T3", "T4"])


amounts = st.sampled_from([10_000, 20_000])


days = st.sampled_from([DAY, NEXT_DAY])


movements = st.sampled_from([Movement.CREDIT, Movement.CREDIT, Movement.CREDIT, Movement.DEBIT, Movement.FEE])


heard = st.dictionaries(transactions, st.tuples(days, amounts))


written = st.lists(st.tuples(transactions, days, amounts, movements), max_size=7)


Heard = dict[str, tuple[date, int]]


Written = list[tuple[str, date, int, Movement]]


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.deep)])
def test_sql_finds_what_the_pure_tests_find(
    examples: int, books: Books, bank: StubBank, clock: StoppedClock
) -> None:
    @settings(deadline=None, max_examples=examples)
    @given(heard=heard, written=written)
    def finds_the_same(heard: Heard, written: Written) -> None:
        compare(books, bank, clock, heard, written)

    finds_the_same()


def compare(books: Books, bank: StubBank, clock: StoppedClock, heard: Heard, written: Written) -> None:
    """For each day: the cases that it touches, with all that is known of them, and those open from the day before."""
    empty(books)
    clock.moment = DAYS[NEXT_DAY]
    for transaction, (day, amount) in heard.items():
        receive(books.hub, confirmation("?", amount, bank_transaction_id=transaction, paid_at=DAYS[day]))
    for day in DAYS:
        lines = [a_line(key, amount, "", moved) for key, on, amount, moved in written if on == day]
        bank.statements[day] = a_statement(*lines, day=day)
    # The hub must not learn from these statements: what is compared here is the comparison.
    deaf = Books(books.hub, books.ledgers, lambda **_: None)
    for day in DAYS:
        collect_statement(deaf, bank="sandbox", day=day)
    touched: set[str] = set()
    for day in DAYS:
        touched |= {key for key, (on, _) in heard.items() if on == day}
        touched |= {key for key, on, _, moved in written if on == day and moved is not Movement.FEE}
        named = {key: classify(Side.BANK, case_of(key, heard, written)) for key in touched}
        expected = {key: str(kind) for key, kind in named.items() if kind is not None}
        assert found(books, reconcile_day(deaf, scope=BANK, day=day)) == expected
        touched = set(expected)


def case_of(key: str, heard: Heard, written: Written) -> Case:
    """Everything that both books say of a transaction."""
    credits = [amount for one, _, amount, moved in written if one == key and moved is Movement.CREDIT]
    moves = Counter(moved for one, _, _, moved in written if one == key)
    hub = heard.get(key)
    return Case(
        hub_items=int(hub is not None),
        hub_amount=hub[1] if hub else 0,
        hub_currency="VND" if hub else None,
        other_items=len(credits),
        other_amount=sum(credits),
        other_currency="VND" if credits else None,
        unexplained_debits=moves[Movement.DEBIT],
    )
