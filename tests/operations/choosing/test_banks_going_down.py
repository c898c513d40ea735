"""Banks that go down, and orders that close: what is still offered, and that nobody pays twice for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.profile import BankTerms
from payment_hub.domain.errors import (
    BankNotOffered,
    BankUnavailable,
    CircuitOpen,
    OrderClosed,
    PaymentUnderWay,
)
from payment_hub.domain.routing import OptionReason
from payment_hub.hub import Hub
from payment_hub.operations.banks import announce_downtime
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments import start as starting
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn
from tests.worlds.database import attempts
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive
from tests.worlds.routing import UNREACHABLE, reasons, shown_options, start_attempt, with_terms


def test_a_bank_that_does_not_answer_is_not_offered_until_it_has_rested(
    hub: Hub, one: StandInBank, clock: StoppedClock
) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    one.on_open = answers_in_turn(UNREACHABLE)
    with pytest.raises(BankUnavailable):
        start_attempt(hub, an_order(hub, agency, portal)["reference"], "one")
    other = an_order(hub, agency, portal)["reference"]
    assert reasons(hub, other)["one"] is OptionReason.HEALTH
    with pytest.raises(BankNotOffered, match=r"does not answer at the moment\. Until 10:00 02/03/2026"):
        start_attempt(hub, other, "one")
    assert start_attempt(hub, other).bank == "two"
    clock.advance(seconds=30)
    assert reasons(hub, an_order(hub, agency, portal)["reference"])["one"] is None


def test_a_bank_in_announced_maintenance_is_not_offered(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    until = clock() + timedelta(hours=2)
    announce_downtime(hub, bank="one", starts_at=clock(), ends_at=until, reason="so", announced_by="op")
    [option, *_] = shown_options(hub, reference).items
    assert (option.reason, option.until) == (OptionReason.MAINTENANCE, until)
    assert start_attempt(hub, reference).bank == "two"
    clock.moment = until
    assert reasons(hub, an_order(hub, an_agency(hub, "H1"), a_portal(hub, "p2"))["reference"])["one"] is None


def test_a_bank_that_falls_silent_during_a_payment_makes_no_second_one_possible(
    hub: Hub, reference: str, one: StandInBank, clock: StoppedClock
) -> None:
    one.on_open = answers_in_turn(UNREACHABLE)
    with pytest.raises(BankUnavailable):
        start_attempt(hub, reference, "one")
    until = f"{clock() + timedelta(minutes=15):%FT%TZ}"
    for bank in ("two", "one", None):
        with pytest.raises((PaymentUnderWay, CircuitOpen)) as refused:
            start_attempt(hub, reference, bank)
        assert refused.type is CircuitOpen or until in refused.value.detail
    assert attempts(hub) == [("one", "UNKNOWN", 150_000)]
    assert reasons(hub, reference)["two"] is OptionReason.UNDER_WAY
    [two] = [option for option in shown_options(hub, reference).items if option.bank == "two"]
    assert two.until == clock() + timedelta(minutes=15)


def test_a_bank_that_goes_down_between_choice_and_call_was_never_asked(
    hub: Hub, reference: str, one: StandInBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resting(*_: Any, **__: Any) -> Any:
        raise CircuitOpen("one does not answer")

    monkeypatch.setattr(starting, "call_bank", resting)
    with pytest.raises(CircuitOpen):
        start_attempt(hub, reference, "one")
    monkeypatch.undo()
    assert (attempts(hub), one.opened) == ([("one", "FAILED", 150_000)], [])
    assert start_attempt(hub, reference, "two").state == "PENDING"


def test_nothing_is_offered_where_nothing_can_be_paid(hub: Hub, reference: str, clock: StoppedClock) -> None:
    everywhere = {name: BankTerms(kinds=()) for name in hub.adapters}
    with pytest.raises(BankNotOffered, match=r"No bank can take this payment now\."):
        start_attempt(with_terms(hub, **everywhere), reference)
    clock.advance(days=1)
    expire_orders(hub)
    assert set(reasons(hub, reference).values()) == {OptionReason.ORDER_CLOSED}
    with pytest.raises(OrderClosed):
        start_attempt(hub, reference)


def test_the_rest_of_a_part_payment_is_offered_after_the_deadline(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    receive(hub, confirmation(reference, 100_000, bank="elsewhere"))
    clock.advance(days=1)
    assert shown_options(hub, reference).amount.minor == 50_000
    assert start_attempt(hub, reference, "small").amount.minor == 50_000
