"""One refund that goes wrong when its bank is asked costs the others nothing."""

from __future__ import annotations

import logging

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.banks import read_bank_states
from payment_hub.operations.refunds.send import FIRST_QUERY_AFTER, query_refunds, send_refunds
from tests.asking import change
from tests.conftest import StoppedClock
from tests.refunding import ACCEPTED, RETURNED, RefundingBank, a_paid_order, approve, propose, states
from tests.stand_in_banks import says


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
    bank.on_refund = says(ACCEPTED)
    sent(hub, agency, portal, 3)
    bank.on_refund_query = says(KeyError("a word that nobody expected"), RETURNED)
    clock.moment += FIRST_QUERY_AFTER * 2
    assert query_refunds(hub) == 3
    assert sorted(state for _, state in states(hub)) == ["PENDING", "SUCCEEDED", "SUCCEEDED"]
    assert [record.levelno for record in caplog.records if record.message == "query_failed"] == [
        logging.ERROR
    ]
    clock.advance(hours=1)
    assert query_refunds(hub) == 1
    assert {state for _, state in states(hub)} == {"SUCCEEDED"}


def test_one_refund_alone_never_closes_its_bank_to_questions(
    hub: Hub, bank: RefundingBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    bank.on_refund = says(ACCEPTED)
    sent(hub, agency, portal, 1)
    bank.on_refund_query = says(BankUnavailable("about this one it is silent"))
    policy = hub.terms_of("refunding").breaker
    for _ in range(policy.failures + 2):
        clock.advance(seconds=10)
        change(hub, "UPDATE refund SET query_at = :now", now=clock.moment)
        query_refunds(hub)
    assert len(bank.queries) == policy.failures + 2
    assert read_bank_states(hub).of("refunding", BankOperation.QUERY).may_call(clock.moment, policy)
