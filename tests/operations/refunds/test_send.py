"""Refunds through a bank: sent once, queried, escalated, and never assumed to have failed."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import PayerAccount, RefundAnswer, RefundOutcome
from payment_hub.domain.errors import (
    BankUnavailable,
    CallbackRejected,
    CircuitOpen,
    Forbidden,
    IllegalTransition,
    Malformed,
    RefundBlocked,
    RefundExceeds,
)
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent
from payment_hub.hub import Hub
from payment_hub.operations.banks import read_bank_states
from payment_hub.operations.health import check_invariants
from payment_hub.operations.ledger import reverse_posting
from payment_hub.operations.refunds.read import show_refund
from payment_hub.operations.refunds.send import (
    FIRST_QUERY_AFTER,
    prove_refund,
    query_refunds,
    record_refund_result,
    send_refunds,
)
from tests.conftest import StoppedClock
from tests.worlds.banks import answers_in_turn, with_banks
from tests.worlds.database import balances, count, execute, rows, scalar
from tests.worlds.orders import an_operator
from tests.worlds.refunds import (
    ACCEPTED,
    DUC,
    PROFILE,
    REFUSED,
    RETURNED,
    BankWithoutRefundQuery,
    RefundingBank,
    a_paid_order,
    approve,
    order_of,
    propose,
    prove,
    refund_states,
)

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
    asked = bank.refund_requests[0]
    assert asked.attempt_reference == f"{paid}-1"
    assert (asked.amount, asked.paid) == (dong(AMOUNT), dong(AMOUNT))
    assert (asked.refund_reference[:2], len(asked.refund_reference)) == ("RF", 16)
    assert asked.requested_by == "Nguyen Van Duc"
    assert send_refunds(hub) == 0
    assert len(bank.refund_requests) == 1


def test_the_bank_is_told_the_account_that_it_told_and_one_moment(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    account = PayerAccount("0011004", "970436", "NGUYEN VAN A")
    paid = a_paid_order(hub, agency, portal, payer=account)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert bank.refund_requests[0].payer == account
    assert bank.refund_requests[0].queried_at == clock.moment
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
    bank.on_refund = answers_in_turn(RefundAnswer(RefundOutcome.SUCCEEDED, "0\x000\ud800", "B\x00R"))
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert refund_states(hub) == [("R1", "SUCCEEDED")]


def test_accepted_is_not_returned(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund, bank.on_refund_query = (
        answers_in_turn(ACCEPTED),
        answers_in_turn(ACCEPTED, ACCEPTED, RETURNED),
    )
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert refund_states(hub) == [("R1", "PENDING")]
    assert order_of(hub, paid)["status"] == "PAID"
    for expected in ("PENDING", "PENDING", "SUCCEEDED"):
        clock.advance(hours=1)
        assert query_refunds(hub) == 1
        assert refund_states(hub) == [("R1", expected)]
    assert (len(bank.refund_requests), balances(hub)) == (1, {})
    assert bank.queries[-1].bank_refund_id == "BR1"
    clock.advance(days=1)
    assert query_refunds(hub) == 0


def test_failed_with_proof_returns_the_money_to_where_it_was(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert refund_states(hub) == [("R1", "FAILED")]
    assert balances(hub) == PAID
    order = order_of(hub, paid)
    assert (order["status"], order["held_refund"], order["paid_back"]) == ("PAID", 0, 0)
    propose(hub, portal, paid, refund_id="R2")
    approve(hub, paid, "R2")
    bank.on_refund = answers_in_turn(RETURNED)
    send_refunds(hub)
    assert balances(hub) == {}


def test_no_answer_is_unknown_and_is_asked_about_and_never_sent_again(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund = answers_in_turn(BankUnavailable("no answer"))
    bank.on_refund_query = answers_in_turn(BankUnavailable("no answer"), ACCEPTED, REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    for expected in ("UNKNOWN", "UNKNOWN", "FAILED"):
        assert refund_states(hub)[0][1] == "UNKNOWN"
        assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "REFUND_CLEARING": AMOUNT}
        assert send_refunds(hub) == 0
        clock.advance(hours=1)
        assert query_refunds(hub) == 1
        assert refund_states(hub) == [("R1", expected)]
    assert (len(bank.refund_requests), balances(hub)) == (1, PAID)


def test_a_bank_that_cannot_be_asked_leaves_it_unknown_until_somebody_brings_evidence(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    silent = BankWithoutRefundQuery()
    silent.answer = answers_in_turn(BankUnavailable("no answer"))
    hub = with_banks(hub, unasked=silent)
    paid = a_paid_order(hub, agency, portal, bank="unasked")
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    for _ in range(5):
        clock.advance(days=1)
        assert query_refunds(hub) == 1
    assert refund_states(hub) == [("R1", "UNKNOWN")]
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
    assert refund_states(hub) == [("R1", "SUBMITTING")]
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


def sent(hub: Hub, agency: Caller, portal: Caller, count: int) -> None:
    """So many refunds, each of an order of its own, are with the bank."""
    for _ in range(count):
        reference = a_paid_order(hub, agency, portal)
        propose(hub, portal, reference)
        approve(hub, reference)
    assert send_refunds(hub) == count


def test_an_adapter_that_breaks_over_one_is_reported_and_stops_nothing(
    hub: Hub,
    bank: RefundingBank,
    agency: Caller,
    portal: Caller,
    clock: StoppedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bank.on_refund = answers_in_turn(ACCEPTED)
    sent(hub, agency, portal, 3)
    bank.on_refund_query = answers_in_turn(KeyError("a word that nobody expected"), RETURNED)
    clock.moment += FIRST_QUERY_AFTER * 2
    assert query_refunds(hub) == 3
    assert sorted(state for _, state in refund_states(hub)) == ["PENDING", "SUCCEEDED", "SUCCEEDED"]
    assert [record.levelno for record in caplog.records if record.message == "query_failed"] == [
        logging.ERROR
    ]
    clock.advance(hours=1)
    assert query_refunds(hub) == 1
    assert {state for _, state in refund_states(hub)} == {"SUCCEEDED"}


def test_one_refund_alone_never_closes_its_bank_to_questions(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    bank.on_refund = answers_in_turn(ACCEPTED)
    sent(hub, agency, portal, 1)
    bank.on_refund_query = answers_in_turn(BankUnavailable("about this one it is silent"))
    policy = hub.terms_of("refunding").breaker
    for _ in range(policy.failures + 2):
        clock.advance(seconds=10)
        execute(hub, "UPDATE refund SET query_at = :now", now=clock.moment)
        query_refunds(hub)
    assert len(bank.queries) == policy.failures + 2
    assert read_bank_states(hub).of("refunding", BankOperation.QUERY).may_call(clock.moment, policy)


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank)


def test_a_bank_that_is_switched_off_is_not_asked_and_the_refund_waits(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    assert send_refunds(with_banks(hub)) == 0
    assert refund_states(hub) == [("R1", "APPROVED")]
    assert send_refunds(hub) == 1


def test_a_bank_that_is_left_alone_is_not_asked_and_nothing_is_unknown(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    policy = hub.terms_of("refunding").breaker
    bank.on_refund = answers_in_turn(BankUnavailable("no answer"))
    references = [a_paid_order(hub, agency, portal) for _ in range(policy.failures + 2)]
    for reference in references:
        propose(hub, portal, reference)
        approve(hub, reference)
    assert send_refunds(hub) == policy.failures
    assert [state for _, state in refund_states(hub)][-2:] == ["APPROVED", "APPROVED"]
    bank.on_refund = answers_in_turn(RETURNED)
    clock.moment += policy.open_for
    assert send_refunds(hub) == 2
    assert [state for _, state in refund_states(hub)][-2:] == ["SUCCEEDED", "SUCCEEDED"]


def test_what_was_claimed_and_not_sent_is_approved_still(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    execute(hub, "UPDATE refund SET state = 'SUBMITTING', query_at = :now", now=hub.now())
    assert record_refund_result(hub, key=1, event=RefundEvent.NOT_SENT, code="it rests") == "APPROVED"
    assert send_refunds(hub) == 1
    assert refund_states(hub) == [("R1", "SUCCEEDED")]


def test_a_bank_that_begins_to_rest_between_the_claim_and_the_call_is_left_alone(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rests(*_: object, **__: object) -> None:
        raise CircuitOpen("it does not answer")

    for number in range(2):
        reference = a_paid_order(hub, agency, portal)
        propose(hub, portal, reference, refund_id=f"R{number}")
        approve(hub, reference, f"R{number}")
    with monkeypatch.context() as patched:
        patched.setattr("payment_hub.operations.refunds.send.call_bank", rests)
        assert send_refunds(hub) == 0
    assert (refund_states(hub), bank.refund_requests) == ([("R0", "APPROVED"), ("R1", "APPROVED")], [])
    assert send_refunds(hub) == 2


def test_an_account_that_was_emptied_by_hand_gives_nothing_back(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    reverse_posting(hub, caller=an_operator(), posting_id=1, reason="another book")
    with pytest.raises(RefundExceeds, match="accounts hold 0"):
        approve(hub, paid)
    assert refund_states(hub) == [("R1", "PROPOSED")]


def test_what_an_operator_has_reversed_by_hand_is_not_reversed_again(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    left = scalar(hub, "SELECT id FROM posting WHERE source_type = 'refund'")
    reverse_posting(hub, caller=an_operator(), posting_id=left, reason="too early")
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


def test_a_portal_proves_nothing(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(Forbidden):
        prove_refund(
            hub,
            caller=portal,
            reference=paid,
            refund_id="R1",
            event=RefundEvent.RETURNED,
            document="UNC 17",
            dated_on=date(2026, 3, 4),
            note="",
        )


@pytest.fixture
def paid(hub: Hub, agency: Caller, portal: Caller) -> str:
    return a_paid_order(hub, agency, portal, bank_transaction_id="T1")


@pytest.mark.parametrize(
    ("said", "after", "state"),
    [(BankUnavailable("no answer"), timedelta(days=2), "UNKNOWN"), (ACCEPTED, timedelta(days=8), "PENDING")],
)
def test_what_nobody_tells_of_lies_before_an_officer_in_time(
    hub: Hub,
    bank: RefundingBank,
    portal: Caller,
    paid: str,
    clock: StoppedClock,
    said: Any,
    after: timedelta,
    state: str,
) -> None:
    bank.on_refund = bank.on_refund_query = answers_in_turn(said)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    query_refunds(hub)

    def since() -> object:
        view = show_refund(hub, caller=DUC, reference=paid, refund_id="R1")
        return view.state, view.escalated_at

    assert since() == (state, None)
    clock.moment += after
    query_refunds(hub)
    assert since() == (state, clock.moment)
    assert check_invariants(hub) == []


def test_one_that_its_bank_was_never_asked_for_lies_before_an_officer_too(
    hub: Hub, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    clock.advance(days=2)
    query_refunds(with_banks(hub))
    assert show_refund(hub, caller=DUC, reference=paid, refund_id="R1").escalated_at == clock.moment


def test_an_answer_that_cannot_be_believed_is_none(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund = bank.on_refund_query = answers_in_turn(CallbackRejected("signature"))
    propose(hub, portal, paid)
    approve(hub, paid)
    assert send_refunds(hub) == 1
    assert refund_states(hub) == [("R1", "UNKNOWN")]
    clock.advance(hours=1)
    assert query_refunds(hub) == 1
    assert refund_states(hub) == [("R1", "UNKNOWN")]


def test_another_number_of_the_bank_for_the_same_refund_is_kept_beside_the_first(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund = answers_in_turn(ACCEPTED)
    bank.on_refund_query = answers_in_turn(RefundAnswer(RefundOutcome.SUCCEEDED, "00", "BR2"))
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    clock.advance(hours=1)
    query_refunds(hub)
    view = show_refund(hub, caller=DUC, reference=paid, refund_id="R1")
    assert (view.state, view.bank_refund_id) == ("SUCCEEDED", "BR2")
    assert "BR1" in view.history[-1].note
