"""What a debit proves, what contradicts it, and what explains it later."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from payment_hub.domain.errors import RefundBlocked
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.send import query_refunds, send_refunds
from reconciliation.books import Books
from reconciliation.operations.runs import export_report, reconcile_day
from reconciliation.operations.statements import collect_statement
from tests.asking import rows
from tests.conftest import StoppedClock
from tests.reconciliation.night import BANK, an_officer, found, live
from tests.reconciliation.paper import DAY, a_line, a_statement
from tests.reconciliation.refunds import (
    PAID,
    SILENCE,
    THIRD,
    PaperRefunds,
    a_debit,
    a_refund,
    night,
    returned_as,
)
from tests.refunding import ACCEPTED, LAN, REFUSED, approve, propose, prove, states
from tests.stand_in_banks import says


@pytest.mark.parametrize("word", [SILENCE, ACCEPTED])
def test_a_debit_proves_a_refund_whose_outcome_nobody_told(
    books: Books, bank: PaperRefunds, order: str, clock: StoppedClock, word: object
) -> None:
    a_refund(books.hub, bank, order, PAID, says(word))
    bank.statements[DAY] = a_statement(a_line("T1", PAID), a_debit("T1", PAID))
    assert collect_statement(books, bank="sandbox", day=DAY).refunds_learnt == 1
    assert states(books.hub) == [("R1", "SUCCEEDED")]
    assert collect_statement(books, bank="sandbox", day=DAY).refunds_learnt == 0
    sql = "SELECT event, actor, code FROM refund_event ORDER BY id DESC LIMIT 1"
    (told,) = rows(books.hub, sql)
    assert tuple(told.values()) == ("RETURNED", "bank:sandbox", "STATEMENT T1")
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {}
    clock.advance(days=1)
    assert (query_refunds(books.hub), send_refunds(books.hub), len(bank.asked)) == (0, 0, 1)


def test_one_debit_for_two_equal_unknown_refunds_proves_neither(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, says(SILENCE))
    a_refund(books.hub, bank, order, THIRD, says(SILENCE), "R2", reason=RefundReason.OTHER)
    assert night(books, bank, a_debit("X1", THIRD, order)) == {}
    assert states(books.hub) == [("R1", "UNKNOWN"), ("R2", "UNKNOWN")]
    assert night(books, bank, a_debit("X2", THIRD, order), next_day=True) == {}
    assert states(books.hub) == [("R1", "SUCCEEDED"), ("R2", "SUCCEEDED")]


@pytest.mark.parametrize("failed_first", [True, False])
@pytest.mark.parametrize("named", ["money", "order"])
def test_a_debit_proves_an_unknown_refund_beside_an_equal_failed_one(
    books: Books, bank: PaperRefunds, order: str, named: str, failed_first: bool
) -> None:
    """The failed one did not go back, as its bank has proved: so there is no doubt whose debit it is."""
    words = (REFUSED, SILENCE) if failed_first else (SILENCE, REFUSED)
    a_refund(books.hub, bank, order, THIRD, says(words[0]))
    a_refund(books.hub, bank, order, THIRD, says(words[1]), "R2", reason=RefundReason.OTHER)
    unknown, failed = ("R2", "R1") if failed_first else ("R1", "R2")
    assert dict(states(books.hub)) == {unknown: "UNKNOWN", failed: "FAILED"}
    debit = a_debit("T1", THIRD) if named == "money" else a_debit("X1", THIRD, order)
    assert night(books, bank, debit) == {}
    assert dict(states(books.hub)) == {unknown: "SUCCEEDED", failed: "FAILED"}
    assert rows(books.hub, "SELECT refund_id FROM refund WHERE contradicted") == []


def test_a_debit_from_before_the_refund_was_sent_proves_nothing(
    books: Books, bank: PaperRefunds, order: str, clock: StoppedClock
) -> None:
    assert night(books, bank, a_debit("T1", THIRD)) == {"T1": "UNEXPLAINED_DEBIT"}
    clock.advance(hours=13, minutes=50)
    propose(books.hub, LAN, order, THIRD)
    approve(books.hub, order)
    clock.advance(minutes=20)
    bank.on_refund = says(SILENCE)
    send_refunds(books.hub)
    assert collect_statement(books, bank="sandbox", day=DAY).refunds_learnt == 0
    assert states(books.hub) == [("R1", "UNKNOWN")]
    assert found(books, reconcile_day(books, scope=BANK, day=DAY)) == {"T1": "UNEXPLAINED_DEBIT"}


def test_a_debit_of_a_failed_refund_is_a_contradiction_and_blocks_the_money(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    refund = a_refund(books.hub, bank, order, THIRD, says(REFUSED))
    assert night(books, bank, a_debit("X1", THIRD, refund)) == {refund: "FAILED_REFUND_DEBITED"}
    with pytest.raises(RefundBlocked):
        propose(books.hub, LAN, order, THIRD, refund_id="R2", reason=RefundReason.OTHER)
    prove(books.hub, order, RefundEvent.FAILED)
    assert collect_statement(books, bank="sandbox", day=DAY).refunds_learnt == 0
    propose(books.hub, LAN, order, THIRD, refund_id="R2", reason=RefundReason.OTHER)


def test_a_second_try_has_the_debit_and_not_the_failed_one(
    books: Books, bank: PaperRefunds, order: str
) -> None:
    a_refund(books.hub, bank, order, THIRD, says(REFUSED))
    a_refund(books.hub, bank, order, THIRD, says(returned_as(None)), "R2")
    assert night(books, bank, a_debit("T1", THIRD)) == {}
    assert rows(books.hub, "SELECT contradicted FROM refund WHERE contradicted") == []


@pytest.mark.parametrize("evidence", ["CB77", "letter 7"])
def test_a_chargeback_explains_its_debit_and_heals(
    books: Books, bank: PaperRefunds, order: str, evidence: str
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
    books: Books, bank: PaperRefunds, order: str
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


def test_the_same_night_again_is_the_same_to_the_byte(books: Books, bank: PaperRefunds, order: str) -> None:
    a_refund(books.hub, bank, order, THIRD, says(returned_as("BR1")))
    lines = [a_debit("BR1", THIRD), a_debit("BR1", THIRD), a_debit("X9", 7_000)]
    night(books, bank, *lines)
    first = reconcile_day(books, scope=BANK, day=DAY)
    report = export_report(books, caller=an_officer("lan"), run=first)
    assert reconcile_day(books, scope=BANK, day=DAY) == first
    assert export_report(books, caller=an_officer("lan"), run=first) == report
