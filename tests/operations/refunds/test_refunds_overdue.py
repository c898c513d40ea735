"""What a bank does not tell, or tells as nobody can believe: it lies before an officer in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants
from payment_hub.operations.refunds.read import show_refund
from payment_hub.operations.refunds.send import query_refunds, send_refunds
from tests.conftest import StoppedClock
from tests.refunding import ACCEPTED, DUC, RefundingBank, a_paid_order, approve, propose, states
from tests.stand_in_banks import says, with_banks


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank)


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
    bank.on_refund = bank.on_refund_query = says(said)
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
    bank.on_refund = bank.on_refund_query = says(CallbackRejected("signature"))
    propose(hub, portal, paid)
    approve(hub, paid)
    assert send_refunds(hub) == 1
    assert states(hub) == [("R1", "UNKNOWN")]
    clock.advance(hours=1)
    assert query_refunds(hub) == 1
    assert states(hub) == [("R1", "UNKNOWN")]


def test_another_number_of_the_bank_for_the_same_refund_is_kept_beside_the_first(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, clock: StoppedClock
) -> None:
    bank.on_refund = says(ACCEPTED)
    bank.on_refund_query = says(RefundAnswer(RefundOutcome.SUCCEEDED, "00", "BR2"))
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    clock.advance(hours=1)
    query_refunds(hub)
    view = show_refund(hub, caller=DUC, reference=paid, refund_id="R1")
    assert (view.state, view.bank_refund_id) == ("SUCCEEDED", "BR2")
    assert "BR1" in view.history[-1].note
