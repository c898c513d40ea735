"""A process dies anywhere between intent, send, answer and commit: no refund is lost, and none is doubled."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome
from payment_hub.domain.errors import Conflict
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.decide import approve_refund, propose_excess_refunds, propose_refund
from payment_hub.operations.refunds.send import FIRST_QUERY_AFTER, LEASE, query_refunds, send_refunds
from tests.conftest import StoppedClock
from tests.crashes.conftest import Survives, is_decisive
from tests.crashes.killing import Killed, Points, mortal
from tests.histories.facts import empty
from tests.worlds.banks import with_banks
from tests.worlds.database import balances, rows
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive
from tests.worlds.refunds import (
    ACCEPTED,
    DUC,
    LAN,
    REFUSED,
    RETURNED,
    RefundingBank,
    approve,
    decline,
    propose,
    prove,
)

PAID = {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}
#: A kill between two statements of a transaction is the same as one before its commit; now and then it is tried.
EVERYWHERE = pytest.mark.parametrize("everywhere", [False, pytest.param(True, marks=pytest.mark.deep)])
NEVER_HEARD = RefundAnswer(RefundOutcome.FAILED, "91")
"""The bank's final word for a refund that it never got."""


class RememberingBank(RefundingBank):
    """Knows what it was sent, and what it gave back: never one reference twice."""

    def __init__(self, answer: RefundAnswer) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.on_refund, self.on_refund_query = self._take, self._tell
        self.answer = answer

    def _take(self, request: Any) -> RefundAnswer:
        self.sent.append(request.refund_reference)
        return self.answer

    def _tell(self, query: Any) -> RefundAnswer:
        if query.refund_reference not in self.sent:
            return NEVER_HEARD
        return RETURNED if self.answer == ACCEPTED else self.answer


@pytest.fixture(params=[RETURNED, REFUSED, ACCEPTED], ids=lambda answer: str(answer.outcome))
def bank(request: pytest.FixtureRequest) -> RememberingBank:
    return RememberingBank(request.param)


@pytest.fixture
def one_bank() -> RememberingBank:
    return RememberingBank(RETURNED)


def paid(hub: Hub) -> str:
    reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    receive(hub, confirmation(reference, bank="refunding", bank_transaction_id="T1", event_id="E1"))
    return reference


def the_end(hub: Hub) -> list[dict[str, Any]]:
    return rows(hub, "SELECT reference, state, amount FROM refund ORDER BY id")


@pytest.fixture
def hub(hub: Hub, request: pytest.FixtureRequest) -> Hub:
    name = "bank" if "bank" in request.fixturenames else "one_bank"
    return with_banks(hub, refunding=request.getfixturevalue(name))


@EVERYWHERE
def test_sending(everywhere: bool, hub: Hub, clock: StoppedClock, bank: RememberingBank) -> None:
    """Whatever the bank got stands in the book as the bank has it; what it never got is where it was."""
    points, began = Points(), clock.moment
    _die_while_sending(hub, clock, bank, points)
    names = points.names
    assert bank.sent == [the_end(hub)[0]["reference"]]
    visited = {place: name for place, name in enumerate(names) if everywhere or is_decisive(name)}
    assert len(visited) > 8
    for kill_at, name in visited.items():
        clock.moment = began
        points.begin(kill_at)
        _die_while_sending(hub, clock, bank, points)
        assert points.names[kill_at] == name
        refund = the_end(hub)[0]
        returned = bank.sent != [] and bank.answer != REFUSED
        assert len(bank.sent) <= 1, name
        assert refund["state"] == ("SUCCEEDED" if returned else "FAILED"), name
        assert balances(hub) == ({} if returned else PAID), name
        assert check_invariants(hub) == [], name


def _die_while_sending(hub: Hub, clock: StoppedClock, bank: RememberingBank, points: Points) -> None:
    """One story: sent, killed, sent by another process, and asked about by the clock."""
    empty(hub)
    hub.memory.bank_states = None
    bank.sent.clear()
    points.counting = False
    reference = paid(hub)
    propose(hub, LAN, reference)
    approve(hub, reference)
    points.counting = True
    with mortal(hub, points) as victim, suppress(Killed):
        send_refunds(victim)
    points.counting = False
    send_refunds(hub)
    clock.moment += FIRST_QUERY_AFTER
    query_refunds(hub)


@EVERYWHERE
def test_asking(everywhere: bool, survives: Survives, clock: StoppedClock, bank: RememberingBank) -> None:
    def scene(hub: Hub) -> None:
        bank.sent.clear()
        bank.answer, told = ACCEPTED, bank.answer
        reference = paid(hub)
        propose(hub, LAN, reference)
        approve(hub, reference)
        send_refunds(hub)
        bank.answer = told
        clock.moment += FIRST_QUERY_AFTER

    def after(hub: Hub, _: None) -> None:
        clock.moment += LEASE
        query_refunds(hub)
        assert len(bank.sent) == 1
        assert the_end(hub)[0]["state"] == ("FAILED" if bank.answer == REFUSED else "SUCCEEDED")

    visited = survives(scene, lambda hub, _: query_refunds(hub), after, everywhere=everywhere)
    assert visited > 8


VERBS: dict[str, Any] = {
    "approve": lambda hub, reference: approve_refund(hub, caller=DUC, reference=reference, refund_id="R1"),
    "decline": decline,
    "take back": lambda hub, reference: record_chargeback(
        hub,
        bank="refunding",
        bank_transaction_id="T1",
        amount=dong(50_000),
        evidence="letter 7",
        by="lan",
    ),
    "propose": lambda hub, reference: propose_refund(
        hub,
        caller=LAN,
        reference=reference,
        refund_id="R2",
        refundable=dong(100_000),
        amount=dong(20_000),
        reason=RefundReason.NOT_OWED,
        note="",
    ),
    "look for excess": lambda hub, _: propose_excess_refunds(hub),
}


@EVERYWHERE
@pytest.mark.parametrize("verb", VERBS)
def test_deciding(everywhere: bool, survives: Survives, one_bank: RememberingBank, verb: str) -> None:
    def scene(hub: Hub) -> str:
        reference = paid(hub)
        propose(hub, LAN, reference, 50_000)
        if verb == "look for excess":
            receive(hub, confirmation(reference, bank="refunding", bank_transaction_id="T2", event_id="E2"))
        return reference

    def act(hub: Hub, reference: str) -> None:
        with suppress(
            Conflict
        ):  # the first try was committed before it died: the officer reads it and sees it
            VERBS[verb](hub, reference)

    assert survives(scene, act, act, everywhere=everywhere) >= 2


@EVERYWHERE
@pytest.mark.parametrize("event", [RefundEvent.RETURNED, RefundEvent.FAILED])
def test_proving(everywhere: bool, survives: Survives, one_bank: RememberingBank, event: RefundEvent) -> None:
    def scene(hub: Hub) -> str:
        reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
        receive(hub, confirmation(reference, bank="other", bank_transaction_id="T1", event_id="E1"))
        propose(hub, LAN, reference)
        approve(hub, reference)
        prove(hub, reference, RefundEvent.HANDED_IN)
        return reference

    def act(hub: Hub, reference: str) -> None:
        with suppress(Conflict):
            prove(hub, reference, event)

    assert survives(scene, act, act, everywhere=everywhere) >= 2
