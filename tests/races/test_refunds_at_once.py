"""Twenty who give the same money back at the same moment: it goes back once, and the others are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from payment_hub.domain.banks.values import RefundAnswer
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.hub import Hub
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.decide import approve_refund, propose_excess_refunds, propose_refund
from payment_hub.operations.refunds.send import (
    FIRST_QUERY_AFTER,
    query_refunds,
    record_refund_result,
    send_refunds,
)
from tests.conftest import StoppedClock
from tests.races.crowd import CROWD, all_at_once, answers, refusals
from tests.worlds.banks import answers_in_turn, with_banks
from tests.worlds.database import balances, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive
from tests.worlds.refunds import (
    ACCEPTED,
    LAN,
    RefundingBank,
    an_officer,
    approve,
    decline,
    order_of,
    propose,
    prove,
    refund_states,
)

AMOUNT = 150_000
FEW = 6
"""Rounds; each has a crowd."""


@pytest.fixture
def bank() -> RefundingBank:
    return RefundingBank()


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank)


@pytest.fixture
def paid(hub: Hub) -> list[str]:
    agency, portal = an_agency(hub), a_portal(hub)
    references = [str(an_order(hub, agency, portal)["reference"]) for _ in range(FEW)]
    for reference in references:
        receive(hub, confirmation(reference, bank="refunding", bank_transaction_id=f"T{reference}"))
    return references


def a_proposal(
    hub: Hub, reference: str, refund_id: str, amount: int, reason: RefundReason
) -> Callable[[], object]:
    return partial(
        propose_refund,
        hub,
        caller=LAN,
        reference=reference,
        refund_id=refund_id,
        refundable=dong(AMOUNT),
        amount=dong(amount),
        reason=reason,
        note="",
    )


def test_twenty_refunds_of_one_payment_are_one(hub: Hub, paid: list[str]) -> None:
    """Each alone would be right; whoever comes second has seen another balance."""
    reasons = list(RefundReason)
    for reference in paid:
        acts = [a_proposal(hub, reference, f"R{n}", 10_000, reasons[n % len(reasons)]) for n in range(CROWD)]
        results = all_at_once(acts)
        assert len(answers(results)) == 1
        assert refusals(results) == ["RefundableChanged"] * (CROWD - 1)
        assert order_of(hub, reference)["held_refund"] == 10_000


def test_the_same_refund_asked_for_twenty_times_is_one(hub: Hub, paid: list[str]) -> None:
    for reference in paid:
        results = all_at_once([a_proposal(hub, reference, "R1", AMOUNT, RefundReason.NOT_OWED)] * CROWD)
        assert refusals(results) == []
        assert len({str(view) for view in results}) == 1
    assert scalar(hub, "SELECT count(*) FROM refund") == FEW


def test_twenty_approvals_are_one_and_the_others_are_told(hub: Hub, paid: list[str]) -> None:
    for reference in paid:
        propose(hub, LAN, reference)
        officers = [an_officer(f"officer {n}") for n in range(CROWD)]
        acts: list[Callable[[], object]] = [
            partial(approve_refund, hub, caller=officer, reference=reference, refund_id="R1")
            for officer in officers
        ]
        results = all_at_once(acts)
        assert refusals(results) == ["IllegalTransition"] * (CROWD - 1)
    assert balances(hub) == {"BANK_CLEARING": -FEW * AMOUNT, "REFUND_CLEARING": FEW * AMOUNT}


def test_approve_against_decline_one_wins(hub: Hub, paid: list[str]) -> None:
    for reference in paid:
        propose(hub, LAN, reference)
        acts: list[Callable[[], object]] = [
            partial(approve, hub, reference),
            partial(decline, hub, reference),
        ]
        results = all_at_once(acts * 5)
        assert refusals(results) == ["IllegalTransition"] * 9
    ends = {state for _, state in refund_states(hub)}
    assert ends <= {"APPROVED", "DECLINED"}


def test_a_refund_against_a_chargeback_one_wins(hub: Hub, paid: list[str]) -> None:
    for number, reference in enumerate(paid):
        taken = partial(
            record_chargeback,
            hub,
            bank="refunding",
            bank_transaction_id=f"T{reference}",
            amount=dong(AMOUNT),
            evidence=f"letter {number}",
            by="lan",
        )
        acts: list[Callable[[], object]] = [
            a_proposal(hub, reference, "R1", AMOUNT, RefundReason.OTHER),
            taken,
        ]
        results = all_at_once(acts)
        assert len(answers(results)) == 1
        assert refusals(results) in (["RefundExceeds"], ["RefundableChanged"])
        order = order_of(hub, reference)
        assert order["refunded"] + order["held_refund"] == AMOUNT


def test_sent_against_proved_that_it_was_never_sent_one_wins(
    hub: Hub, bank: RefundingBank, paid: list[str]
) -> None:
    for number, reference in enumerate(paid):
        propose(hub, LAN, reference, refund_id=f"R{number}")
        approve(hub, reference, f"R{number}")
        proof = partial(prove, hub, reference, RefundEvent.FAILED, f"R{number}")
        acts: list[Callable[[], object]] = [partial(send_refunds, hub), proof]
        results = all_at_once(acts)
        sent = {asked.order_reference for asked in bank.refund_requests}
        expected = ("SUCCEEDED", ["IllegalTransition"]) if reference in sent else ("FAILED", [])
        assert (refund_states(hub)[-1][1], refusals(results)) == expected


def test_twenty_senders_send_each_refund_once(hub: Hub, bank: RefundingBank, paid: list[str]) -> None:
    for reference in paid:
        propose(hub, LAN, reference)
        approve(hub, reference)
    results = all_at_once([partial(send_refunds, hub)] * CROWD)
    assert sum(answers(results)) == FEW
    assert len({asked.refund_reference for asked in bank.refund_requests}) == len(bank.refund_requests) == FEW
    assert balances(hub) == {}


def test_the_banks_last_words_at_once_count_once(hub: Hub, bank: RefundingBank, paid: list[str]) -> None:
    bank.on_refund = answers_in_turn(ACCEPTED)
    for reference in paid:
        propose(hub, LAN, reference)
        approve(hub, reference)
    send_refunds(hub)
    for key in range(1, FEW + 1):
        said = [RefundEvent.RETURNED, RefundEvent.FAILED]
        acts = [partial(record_refund_result, hub, key=key, event=event, code="") for event in said * 5]
        results = all_at_once(acts)
        assert len(set(answers(results))) == 1
    assert scalar(hub, "SELECT count(*) FROM refund WHERE contradicted") == FEW
    sums = rows(hub, "SELECT refunded + held_refund AS gone, refunded FROM payment_order")
    assert {row["gone"] - row["refunded"] for row in sums} == {0}


def test_a_payment_against_a_refund_of_the_one_before(hub: Hub, paid: list[str]) -> None:
    for reference in paid:
        propose(hub, LAN, reference)
        second = confirmation(reference, bank="refunding", bank_transaction_id=f"S{reference}")
        acts: list[Callable[[], object]] = [partial(approve, hub, reference), partial(receive, hub, second)]
        assert refusals(all_at_once(acts)) == []
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -FEW * AMOUNT, "AGENCY_PAYABLE": FEW * AMOUNT}
    assert {order_of(hub, reference)["status"] for reference in paid} == {"PAID"}


def test_twenty_who_look_for_surplus_propose_it_once(hub: Hub, paid: list[str]) -> None:
    for reference in paid:
        receive(hub, confirmation(reference, bank="refunding", bank_transaction_id=f"S{reference}"))
    results = all_at_once([partial(propose_excess_refunds, hub)] * CROWD)
    assert sum(answers(results)) == FEW
    assert len(refund_states(hub)) == FEW


def test_twenty_who_ask_about_refunds_ask_once(
    hub: Hub, bank: RefundingBank, paid: list[str], clock: StoppedClock
) -> None:
    def silent(_: object) -> RefundAnswer:
        return ACCEPTED

    bank.on_refund = silent
    for reference in paid:
        propose(hub, LAN, reference)
        approve(hub, reference)
    send_refunds(hub)
    clock.moment += FIRST_QUERY_AFTER
    results = all_at_once([partial(query_refunds, hub)] * CROWD)
    assert sum(answers(results)) == len(bank.queries) == FEW
