"""Every debit is one refund or one chargeback, or an officer's work; what it proves, contradicts and explains."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import RefundBlocked
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.send import query_refunds, send_refunds
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from reconciliation.operations.runs import collect_and_reconcile, export_report, reconcile_day
from reconciliation.operations.statements import collect_statement
from tests.conftest import StoppedClock
from tests.reconciliation.nights import BANK, an_officer, end_state, found, live
from tests.reconciliation.refunds import (
    PAID,
    SILENCE,
    THIRD,
    RefundingStub,
    a_debit,
    a_refund,
    night,
    returned_as,
    totals,
)
from tests.reconciliation.stubs import DAY, NEXT_DAY, a_line, a_statement
from tests.worlds.banks import answers_in_turn
from tests.worlds.database import rows
from tests.worlds.orders import confirmation, receive
from tests.worlds.refunds import ACCEPTED, LAN, REFUSED, a_paid_order, approve, propose, prove, refund_states


@pytest.fixture
def bank() -> RefundingStub:
    return RefundingStub()


@pytest.fixture
def hub(hub: Hub, bank: RefundingStub) -> Hub:
    other = RefundingStub(code="other")
    return replace(hub, adapters={"sandbox": bank, "other": other})


@pytest.fixture
def books(hub: Hub) -> Books:
    return Books(hub, CsvDrop(None), partial(receive_confirmation, hub, source=Source.STATEMENT))


@pytest.fixture
def order(hub: Hub, agency: Caller, portal: Caller) -> str:
    """Paid by the bank's transaction T1."""
    return a_paid_order(hub, agency, portal, bank="sandbox", bank_transaction_id="T1")


@pytest.mark.parametrize("amount", [PAID, THIRD])
@pytest.mark.parametrize("named", ["by bank", "refund", "money", "order", "attempt", "purpose"])
def test_an_ordinary_refund_is_nobodys_work(
    books: Books, bank: RefundingStub, order: str, named: str, amount: int
) -> None:
    refund = a_refund(books.hub, bank, order, amount, answers_in_turn(returned_as("BR1")))
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
    assert shown == dict.fromkeys(("hub", "bank", "outflow", "bank_debit"), (1, 1, 0, 0))
    assert live(books) == {}


def test_a_refund_that_was_debited_twice_is_found(books: Books, bank: RefundingStub, order: str) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    assert night(books, bank, a_debit("BR1", THIRD), a_debit("BR1", THIRD)) == {refund: "DUPLICATE_REFUND"}
    (case,) = rows(books.hub, "SELECT hub_amount, other_items, other_amount, order_reference FROM finding")
    assert tuple(case.values()) == (THIRD, 2, 2 * THIRD, order)


@pytest.mark.parametrize("second", ["BR1", "T1", "X1"])
def test_the_second_debit_may_come_a_day_later_and_under_another_name(
    books: Books, bank: RefundingStub, order: str, second: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    assert night(books, bank, a_debit("BR1", THIRD)) == {}
    assert night(books, bank, a_debit(second, THIRD, order), next_day=True) == {refund: "DUPLICATE_REFUND"}
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {refund: "DUPLICATE_REFUND"}


def test_part_refunds_of_one_payment_each_have_their_debit(
    books: Books, bank: RefundingStub, order: str
) -> None:
    for n, amount in enumerate((THIRD, THIRD, 20_000), start=1):
        reason = (RefundReason.OTHER, RefundReason.NOT_OWED, RefundReason.WRONG_PAYMENT)[n - 1]
        a_refund(books.hub, bank, order, amount, answers_in_turn(returned_as(None)), f"R{n}", reason=reason)
    lines = [a_debit("T1", THIRD), a_debit("T1", 20_000), a_debit("T1", THIRD)]
    assert night(books, bank, *lines) == {}
    assert list(night(books, bank, *lines, a_debit("T1", THIRD)).values()) == ["DUPLICATE_REFUND"]
    assert night(books, bank, *lines, a_debit("T1", 30_000))["T1"] == "UNEXPLAINED_DEBIT"


def test_two_equal_refunds_of_which_one_is_not_shown(books: Books, bank: RefundingStub, order: str) -> None:
    first = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    a_refund(
        books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR2")), "R2", reason=RefundReason.OTHER
    )
    assert night(books, bank, a_debit("BR2", THIRD)) == {}
    assert night(books, bank, next_day=True) == {first: "REFUND_MISSING_AT_BANK"}


def test_a_refund_may_stand_in_the_statement_of_the_next_day(
    books: Books, bank: RefundingStub, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    assert night(books, bank) == {}
    run = reconcile_day(books, scope=BANK, day=DAY)
    assert totals(books, run)["outflow"] == (1, 0, 0, 1)
    assert night(books, bank, a_debit("BR1", THIRD), next_day=True) == {}
    assert live(books) == {}


def test_a_refund_that_two_statements_do_not_show_is_missed_until_a_later_one_shows_it(
    books: Books, bank: RefundingStub, order: str, clock: StoppedClock
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    assert night(books, bank) == {}
    assert night(books, bank, next_day=True) == {refund: "REFUND_MISSING_AT_BANK"}
    later = NEXT_DAY.replace(day=9)
    bank.statements[later] = a_statement(a_debit("BR1", THIRD), day=later)
    assert found(books, collect_and_reconcile(books, scope=BANK, day=later)) == {}
    assert live(books) == {}


def test_nothing_is_missing_in_a_file_that_never_shows_debits(
    books: Books, bank: RefundingStub, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    bank.statements[DAY] = replace(a_statement(a_line("T1", PAID)), shows_debits=False)
    bank.statements[NEXT_DAY] = replace(a_statement(day=NEXT_DAY), shows_debits=False)
    for day in (DAY, NEXT_DAY):
        run = collect_and_reconcile(books, scope=BANK, day=day)
        assert (found(books, run), totals(books, run)["outflow"]) == ({}, (1, 0, 0, 1))


def test_a_debit_of_a_refund_through_another_bank_is_not_explained(
    books: Books, bank: RefundingStub, agency: Caller, portal: Caller, order: str
) -> None:
    theirs = a_paid_order(books.hub, agency, portal, bank="other", bank_transaction_id="T1")
    refund = a_refund(books.hub, bank, theirs, THIRD, answers_in_turn(returned_as("BR1")))
    lines = [a_debit("BR1", THIRD), a_debit("X1", THIRD, refund), a_debit("X2", THIRD, theirs)]
    assert night(books, bank, *lines) == dict.fromkeys(("BR1", "X1", "X2"), "UNEXPLAINED_DEBIT")


def test_a_debit_of_another_amount_is_not_this_refund(books: Books, bank: RefundingStub, order: str) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    assert night(books, bank, a_debit("T1", THIRD - 1)) == {"T1": "UNEXPLAINED_DEBIT"}
    assert night(books, bank, a_debit("BR1", THIRD - 1)) == {
        refund: "REFUND_AMOUNT_MISMATCH",
        "T1": "UNEXPLAINED_DEBIT",
    }


def test_a_credit_that_is_called_like_a_refund_spoils_no_night(
    books: Books, bank: RefundingStub, order: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    lines = [a_line(refund, 7_000), a_debit("BR1", THIRD)]
    assert night(books, bank, *lines) == {refund: "UNEXPLAINED_DEBIT"}


@pytest.mark.parametrize("word", [SILENCE, ACCEPTED])
def test_a_debit_proves_a_refund_whose_outcome_nobody_told(
    books: Books, bank: RefundingStub, order: str, clock: StoppedClock, word: object
) -> None:
    a_refund(books.hub, bank, order, PAID, answers_in_turn(word))
    bank.statements[DAY] = a_statement(a_line("T1", PAID), a_debit("T1", PAID))
    assert collect_statement(books, bank="sandbox", day=DAY).new_refund_results == 1
    assert refund_states(books.hub) == [("R1", "SUCCEEDED")]
    assert collect_statement(books, bank="sandbox", day=DAY).new_refund_results == 0
    sql = "SELECT event, actor, code FROM refund_event ORDER BY id DESC LIMIT 1"
    (told,) = rows(books.hub, sql)
    assert tuple(told.values()) == ("RETURNED", "bank:sandbox", "STATEMENT T1")
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {}
    clock.advance(days=1)
    assert (query_refunds(books.hub), send_refunds(books.hub), len(bank.refund_requests)) == (0, 0, 1)


def test_one_debit_for_two_equal_unknown_refunds_proves_neither(
    books: Books, bank: RefundingStub, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(SILENCE))
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(SILENCE), "R2", reason=RefundReason.OTHER)
    assert night(books, bank, a_debit("X1", THIRD, order)) == {}
    assert refund_states(books.hub) == [("R1", "UNKNOWN"), ("R2", "UNKNOWN")]
    assert night(books, bank, a_debit("X2", THIRD, order), next_day=True) == {}
    assert refund_states(books.hub) == [("R1", "SUCCEEDED"), ("R2", "SUCCEEDED")]


@pytest.mark.parametrize("failed_first", [True, False])
@pytest.mark.parametrize("named", ["money", "order"])
def test_a_debit_proves_an_unknown_refund_beside_an_equal_failed_one(
    books: Books, bank: RefundingStub, order: str, named: str, failed_first: bool
) -> None:
    """The failed one did not go back, as its bank has proved: so there is no doubt whose debit it is."""
    words = (REFUSED, SILENCE) if failed_first else (SILENCE, REFUSED)
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(words[0]))
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(words[1]), "R2", reason=RefundReason.OTHER)
    unknown, failed = ("R2", "R1") if failed_first else ("R1", "R2")
    assert dict(refund_states(books.hub)) == {unknown: "UNKNOWN", failed: "FAILED"}
    debit = a_debit("T1", THIRD) if named == "money" else a_debit("X1", THIRD, order)
    assert night(books, bank, debit) == {}
    assert dict(refund_states(books.hub)) == {unknown: "SUCCEEDED", failed: "FAILED"}
    assert rows(books.hub, "SELECT refund_id FROM refund WHERE contradicted") == []


def test_a_debit_from_before_the_refund_was_sent_proves_nothing(
    books: Books, bank: RefundingStub, order: str, clock: StoppedClock
) -> None:
    assert night(books, bank, a_debit("T1", THIRD)) == {"T1": "UNEXPLAINED_DEBIT"}
    clock.advance(hours=13, minutes=50)
    propose(books.hub, LAN, order, THIRD)
    approve(books.hub, order)
    clock.advance(minutes=20)
    bank.on_refund = answers_in_turn(SILENCE)
    send_refunds(books.hub)
    assert collect_statement(books, bank="sandbox", day=DAY).new_refund_results == 0
    assert refund_states(books.hub) == [("R1", "UNKNOWN")]
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {"T1": "UNEXPLAINED_DEBIT"}


def test_a_debit_of_a_failed_refund_is_a_contradiction_and_blocks_the_money(
    books: Books, bank: RefundingStub, order: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, answers_in_turn(REFUSED))
    assert night(books, bank, a_debit("X1", THIRD, refund)) == {refund: "FAILED_REFUND_DEBITED"}
    with pytest.raises(RefundBlocked):
        propose(books.hub, LAN, order, THIRD, refund_id="R2", reason=RefundReason.OTHER)
    prove(books.hub, order, RefundEvent.FAILED)
    assert collect_statement(books, bank="sandbox", day=DAY).new_refund_results == 0
    propose(books.hub, LAN, order, THIRD, refund_id="R2", reason=RefundReason.OTHER)


def test_a_second_try_has_the_debit_and_not_the_failed_one(
    books: Books, bank: RefundingStub, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(REFUSED))
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as(None)), "R2")
    assert night(books, bank, a_debit("T1", THIRD)) == {}
    assert rows(books.hub, "SELECT contradicted FROM refund WHERE contradicted") == []


@pytest.mark.parametrize("evidence", ["CB77", "letter 7"])
def test_a_chargeback_explains_its_debit_and_heals(
    books: Books, bank: RefundingStub, order: str, evidence: str
) -> None:
    name = "CB77" if evidence == "CB77" else "T1"
    assert night(books, bank, a_debit(name, THIRD)) == {name: "UNEXPLAINED_DEBIT"}
    taken = partial(record_chargeback, books.hub, bank="sandbox", bank_transaction_id="T1", by="lan")
    taken(amount=dong(THIRD), evidence=evidence)
    assert night(books, bank, a_debit(name, THIRD)) == {}
    assert live(books) == {}
    twice = night(books, bank, a_debit(name, THIRD), a_debit(name, THIRD))
    assert twice == {"chargeback 1": "DUPLICATE_REFUND"}


def test_an_officers_transfer_explains_its_debit_and_is_never_missed(
    books: Books, bank: RefundingStub, order: str
) -> None:
    bank.profile = replace(bank.profile, limits=replace(bank.profile.limits, part_refunds=False))
    assert propose(books.hub, LAN, order, THIRD).route == "TRANSFER"
    assert night(books, bank, a_debit("X1", THIRD, order)) == {"X1": "UNEXPLAINED_DEBIT"}
    approve(books.hub, order)
    prove(books.hub, order, RefundEvent.HANDED_IN)
    assert night(books, bank, a_debit("X1", THIRD, order)) == {}
    prove(books.hub, order, RefundEvent.RETURNED)
    assert night(books, bank, a_debit("X1", THIRD, order)) == {}
    assert night(books, bank, next_day=True) == {}


def test_the_same_night_again_is_the_same_to_the_byte(books: Books, bank: RefundingStub, order: str) -> None:
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    lines = [a_debit("BR1", THIRD), a_debit("BR1", THIRD), a_debit("X9", 7_000)]
    night(books, bank, *lines)
    first = reconcile_day(books, scope=BANK, day=DAY)
    report = export_report(books, caller=an_officer("lan"), run=first)
    assert reconcile_day(books, scope=BANK, day=DAY) == first
    assert export_report(books, caller=an_officer("lan"), run=first) == report


def test_the_order_in_which_files_come_does_not_matter(
    books: Books, bank: RefundingStub, agency: Caller, portal: Caller, order: str
) -> None:
    receive(books.hub, confirmation(order, bank="sandbox", bank_transaction_id="T2"))
    a_refund(books.hub, bank, order, THIRD, answers_in_turn(returned_as("BR1")))
    a_refund(
        books.hub, bank, order, THIRD, answers_in_turn(returned_as(None)), "R2", reason=RefundReason.OTHER
    )
    a_refund(
        books.hub,
        bank,
        order,
        20_000,
        answers_in_turn(returned_as("BR3")),
        "R3",
        reason=RefundReason.NOT_OWED,
    )
    paid = [a_line("T1", PAID), a_line("T2", PAID)]
    statements = [
        a_statement(*paid, a_debit("X1", THIRD, order)),
        a_statement(a_debit("X1", THIRD, order), *paid, a_debit("T1", 9_000)),
        a_statement(a_debit("BR1", THIRD), a_debit("T2", THIRD), day=NEXT_DAY),
    ]
    ends = []
    for history in itertools.permutations(statements):
        begin_anew(books, bank)
        for one in (*history, history[-1]):
            bank.statements[one.day] = one
            for day in (DAY, NEXT_DAY):
                if day in bank.statements:
                    collect_and_reconcile(books, scope=BANK, day=day)
        ends.append(end_state(books))
    for end in ends[1:]:
        assert end == ends[0]
    assert len(ends[0]["live"]) == 3


def begin_anew(books: Books, bank: RefundingStub) -> None:
    """Forget all files, runs and discrepancies, but not the hub's own facts."""
    bank.statements.clear()
    with books.hub.engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE statement_file, statement_line, reconciliation_run, finding, discrepancy, discrepancy_event"
        )
