"""Refunds through the bank that collected the money: proposed, decided, sent once, and believed only with proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import PayerAccount, RefundAnswer, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, IllegalTransition, Malformed, RefundBlocked
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent
from payment_hub.hub import Hub
from payment_hub.operations.refunds.read import show_refund
from payment_hub.operations.refunds.send import (
    FIRST_QUERY_AFTER,
    query_refunds,
    record_refund_result,
    send_refunds,
)
from tests.asking import balances, count, rows
from tests.conftest import StoppedClock
from tests.refunding import (
    ACCEPTED,
    DUC,
    PROFILE,
    REFUSED,
    RETURNED,
    RefundingBank,
    SilentAboutRefunds,
    a_paid_order,
    approve,
    order_of,
    propose,
    prove,
    states,
)
from tests.stand_in_banks import says, with_banks

AMOUNT = 150_000
PAID = {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_a_refund_that_the_bank_carries_out_at_once(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    view = propose(hub, portal, paid)
    assert (view.state, view.route, view.proposed_by) == ("PROPOSED", "BANK", portal.holder)
    assert balances(hub) == PAID
    assert order_of(hub, paid)["held_refund"] == AMOUNT
    assert approve(hub, paid).state == "APPROVED"
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "REFUND_CLEARING": AMOUNT}
    assert order_of(hub, paid)["status"] == "PAID"
    assert send_refunds(hub) == 1
    assert balances(hub) == {}
    order = order_of(hub, paid)
    assert (order["status"], order["refunded"], order["held_refund"]) == ("REFUNDED", AMOUNT, 0)
    asked = bank.asked[0]
    assert asked.attempt_reference == f"{paid}-1"
    assert (asked.amount, asked.paid) == (dong(AMOUNT), dong(AMOUNT))
    assert (asked.refund_reference[:2], len(asked.refund_reference)) == ("RF", 16)
    assert asked.requested_by == "Nguyen Van Duc"
    assert send_refunds(hub) == 0
    assert len(bank.asked) == 1


def test_the_bank_is_told_the_account_that_it_told_and_one_moment(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    account = PayerAccount("0011004", "970436", "NGUYEN VAN A")
    paid = a_paid_order(hub, agency, portal, payer=account)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert bank.asked[0].payer == account
    assert bank.asked[0].queried_at == clock.moment
    assert rows(hub, "SELECT submitted_at FROM refund") == [{"submitted_at": clock.moment}]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(part_refunds=False),
        Limits(largest_refund=dong(1)),
        Limits(smallest_refund=dong(100_000)),
    ],
)
def test_what_the_banks_protocol_cannot_carry_is_transferred(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, limits: Limits
) -> None:
    bank.profile = replace(PROFILE, limits=limits)
    assert propose(hub, portal, paid, 50_000).route == "TRANSFER"


def test_a_word_that_no_database_holds_is_recorded_all_the_same(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = says(RefundAnswer(RefundOutcome.SUCCEEDED, "0\x000\ud800", "B\x00R"))
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert states(hub) == [("R1", "SUCCEEDED")]


def test_accepted_is_not_returned(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund, bank.on_refund_query = says(ACCEPTED), says(ACCEPTED, ACCEPTED, RETURNED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert states(hub) == [("R1", "PENDING")]
    assert order_of(hub, paid)["status"] == "PAID"
    for expected in ("PENDING", "PENDING", "SUCCEEDED"):
        clock.advance(hours=1)
        assert query_refunds(hub) == 1
        assert states(hub) == [("R1", expected)]
    assert (len(bank.asked), balances(hub)) == (1, {})
    assert bank.queries[-1].bank_refund_id == "BR1"
    clock.advance(days=1)
    assert query_refunds(hub) == 0


def test_failed_with_proof_returns_the_money_to_where_it_was(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = says(REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert states(hub) == [("R1", "FAILED")]
    assert balances(hub) == PAID
    order = order_of(hub, paid)
    assert (order["status"], order["held_refund"], order["paid_back"]) == ("PAID", 0, 0)
    propose(hub, portal, paid, refund_id="R2")
    approve(hub, paid, "R2")
    bank.on_refund = says(RETURNED)
    send_refunds(hub)
    assert balances(hub) == {}


def test_no_answer_is_unknown_and_is_asked_about_and_never_sent_again(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund = says(BankUnavailable("no answer"))
    bank.on_refund_query = says(BankUnavailable("no answer"), ACCEPTED, REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    for expected in ("UNKNOWN", "UNKNOWN", "FAILED"):
        assert states(hub)[0][1] == "UNKNOWN"
        assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "REFUND_CLEARING": AMOUNT}
        assert send_refunds(hub) == 0
        clock.advance(hours=1)
        assert query_refunds(hub) == 1
        assert states(hub) == [("R1", expected)]
    assert (len(bank.asked), balances(hub)) == (1, PAID)


def test_a_bank_that_cannot_be_asked_leaves_it_unknown_until_somebody_brings_evidence(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    silent = SilentAboutRefunds()
    silent.answer = says(BankUnavailable("no answer"))
    hub = with_banks(hub, unasked=silent)
    paid = a_paid_order(hub, agency, portal, bank="unasked")
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    for _ in range(5):
        clock.advance(days=1)
        assert query_refunds(hub) == 1
    assert states(hub) == [("R1", "UNKNOWN")]
    with pytest.raises(Malformed):
        prove(hub, paid, RefundEvent.RETURNED, document=" ")
    with pytest.raises(IllegalTransition):
        prove(hub, paid, RefundEvent.HANDED_IN)
    view = prove(hub, paid, RefundEvent.RETURNED)
    assert (view.state, view.history[-1].evidence) == (
        "SUCCEEDED",
        {"document": "C1-04 so 17", "dated_on": "2026-03-04"},
    )
    assert balances(hub) == {}


def test_a_process_that_died_while_asking_leaves_one_that_is_asked_about(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    def dies(_: Any) -> Any:
        raise KeyboardInterrupt

    bank.on_refund = dies
    propose(hub, portal, paid)
    approve(hub, paid)
    with pytest.raises(KeyboardInterrupt):
        send_refunds(hub)
    assert states(hub) == [("R1", "SUBMITTING")]
    assert (send_refunds(hub), query_refunds(hub)) == (0, 0)
    with pytest.raises(IllegalTransition, match="at this moment"):
        prove(hub, paid, RefundEvent.FAILED)
    clock.moment += FIRST_QUERY_AFTER
    assert query_refunds(hub) == 1
    events = [row["event"] for row in rows(hub, "SELECT event FROM refund_event ORDER BY id")]
    assert events == ["PROPOSED", "APPROVED", "SUBMITTED", "NO_ANSWER", "RETURNED"]


def test_a_word_against_the_end_changes_nothing_and_blocks_the_money(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    propose(hub, portal, paid, 50_000)
    approve(hub, paid)
    send_refunds(hub)
    for _ in range(2):
        assert record_refund_result(hub, key=1, event=RefundEvent.FAILED, code="94") == "SUCCEEDED"
    assert record_refund_result(hub, key=1, event=RefundEvent.RETURNED, code="00") == "SUCCEEDED"
    assert show_refund(hub, caller=DUC, reference=paid, refund_id="R1").contradicted
    assert count(hub, "refund_event") == 5
    with pytest.raises(RefundBlocked, match="contradicts itself"):
        propose(hub, portal, paid, 50_000, refund_id="R2")
    assert not prove(hub, paid, RefundEvent.RETURNED).contradicted
    propose(hub, portal, paid, 50_000, refund_id="R2")
