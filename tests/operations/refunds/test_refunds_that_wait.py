"""Refunds whose bank is switched off, or left alone for a while: they wait, and nobody wonders what became of them."""

from __future__ import annotations

from datetime import date

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import BankUnavailable, CircuitOpen, Forbidden, RefundExceeds
from payment_hub.domain.refunds.lifecycle import RefundEvent
from payment_hub.hub import Hub
from payment_hub.operations.ledger import reverse_posting
from payment_hub.operations.refunds.send import prove_refund, record_refund_result, send_refunds
from tests.asking import balances, change, one
from tests.builders import an_operator
from tests.conftest import StoppedClock
from tests.refunding import REFUSED, RETURNED, RefundingBank, a_paid_order, approve, propose, states
from tests.stand_in_banks import says, with_banks


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank)


def test_a_bank_that_is_switched_off_is_not_asked_and_the_refund_waits(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    assert send_refunds(with_banks(hub)) == 0
    assert states(hub) == [("R1", "APPROVED")]
    assert send_refunds(hub) == 1


def test_a_bank_that_is_left_alone_is_not_asked_and_nothing_is_unknown(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    policy = hub.terms_of("refunding").breaker
    bank.on_refund = says(BankUnavailable("no answer"))
    references = [a_paid_order(hub, agency, portal) for _ in range(policy.failures + 2)]
    for reference in references:
        propose(hub, portal, reference)
        approve(hub, reference)
    assert send_refunds(hub) == policy.failures
    assert [state for _, state in states(hub)][-2:] == ["APPROVED", "APPROVED"]
    bank.on_refund = says(RETURNED)
    clock.moment += policy.open_for
    assert send_refunds(hub) == 2
    assert [state for _, state in states(hub)][-2:] == ["SUCCEEDED", "SUCCEEDED"]


def test_what_was_claimed_and_not_sent_is_approved_still(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    change(hub, "UPDATE refund SET state = 'SUBMITTING', query_at = :now", now=hub.now())
    assert record_refund_result(hub, key=1, event=RefundEvent.NOT_SENT, code="it rests") == "APPROVED"
    assert send_refunds(hub) == 1
    assert states(hub) == [("R1", "SUCCEEDED")]


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
    assert (states(hub), bank.asked) == ([("R0", "APPROVED"), ("R1", "APPROVED")], [])
    assert send_refunds(hub) == 2


def test_an_account_that_was_emptied_by_hand_gives_nothing_back(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    reverse_posting(hub, caller=an_operator(), posting_id=1, reason="another book")
    with pytest.raises(RefundExceeds, match="accounts hold 0"):
        approve(hub, paid)
    assert states(hub) == [("R1", "PROPOSED")]


def test_what_an_operator_has_reversed_by_hand_is_not_reversed_again(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = says(REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    left = one(hub, "SELECT id FROM posting WHERE source_type = 'refund'")
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
