"""Money that a bank holds is moved by one at a time, and while it is held nobody is invited to pay again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import BankUnavailable, PaymentUnderWay
from payment_hub.hub import Hub
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.health import measure_outcomes
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import MOVING, query_order, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.operations.routing import show_payment_options
from tests.conftest import StoppedClock
from tests.operations.test_held_money import HoldingBank, authorised, taken, told
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, execute, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, receive

GONE = BankUnavailable("no answer")


@pytest.fixture
def bank() -> HoldingBank:
    return HoldingBank()


@pytest.fixture
def hub(hub: Hub, bank: HoldingBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank(code="other"))


@pytest.fixture
def reference(hub: Hub) -> str:
    order = str(an_order(hub, an_agency(hub), a_portal(hub), minutes=60 * 24 * 5)["reference"])
    start(hub, order)
    return order


def start(hub: Hub, order: str, bank: str = "standin") -> None:
    start_payment(hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")


@pytest.mark.parametrize("by", ["callback", "answer"])
def test_while_a_silent_bank_may_have_taken_the_money_no_other_payment_starts(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock, by: str
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    if by == "callback":
        receive(hub, told(reference))
    else:
        clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert bank.done == ["capture 1"]
    bank.on_query = answers_in_turn(GONE)
    clock.advance(seconds=10)
    for name in ("other", "standin"):
        with pytest.raises(PaymentUnderWay, match="it is expected by"):
            start(hub, reference, name)
    view = show_checkout(hub, token=hub.signer.checkout_token(reference))
    assert (view.state, view.banks) == ("OUTCOME_UNKNOWN", ())
    assert view.attempt is not None
    assert view.attempt.expected_by is not None
    shown = show_payment_options(hub, caller=an_operator(), reference=reference)
    assert {option.reason for option in shown.items} == {"UNDER_WAY"}
    bank.on_query = taken
    clock.advance(minutes=1)
    query_pending(hub)
    assert (attempts(hub), balances(hub)["AGENCY_PAYABLE"]) == ([("standin", "SUCCEEDED", 150_000)], 150_000)


def test_two_who_learn_of_it_at_the_same_moment_take_it_once(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    def meanwhile(query: PaymentQuery) -> Confirmation:
        clock.advance(seconds=3)
        bank.on_capture = taken
        query_order(hub, reference=reference, leaving_for="other")
        return taken(query)

    bank.on_capture = meanwhile
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert bank.done == ["capture 1"]
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_who_dies_while_he_takes_it_is_followed_by_another(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(
        KeyboardInterrupt(), Confirmation("standin", "q", f"{reference}-1", Outcome.PENDING)
    )
    receive(hub, told(reference))
    with pytest.raises(KeyboardInterrupt):
        query_pending(hub)
    bank.on_capture = taken
    clock.advance(minutes=10)
    assert clock() > FIRST_QUERY_AFTER + MOVING + hub.now() - timedelta(minutes=10)
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"] * 2, [("standin", "SUCCEEDED", 150_000)])


def test_what_a_left_bank_holds_is_not_taken_while_another_may_have_been_paid(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(Confirmation("standin", "q", f"{reference}-1", Outcome.PENDING))
    start(hub, reference, "other")
    execute(hub, "UPDATE payment_attempt SET state = 'UNKNOWN', unknown_at = started_at WHERE number = 2")
    bank.on_query = authorised
    receive(hub, told(reference))
    query_pending(hub)
    assert bank.done == []
    execute(hub, "UPDATE payment_attempt SET state = 'FAILED' WHERE number = 2")
    clock.advance(minutes=1)
    query_pending(hub)
    assert (bank.done, attempts(hub)[0]) == (["capture 1"], ("standin", "SUCCEEDED", 150_000))


def test_held_money_that_nobody_can_move_comes_before_an_officer(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank(on_query=authorised), other=StandInBank(code="other"))
    receive(hub, told(reference))
    began = clock()
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert (listed.awaiting, listed.unknown_at, listed.escalated_at) == ("CAPTURE", began, None)
    clock.advance(hours=26)
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator(), overdue=True).items
    assert (listed.awaiting, measure_outcomes(hub)[0].overdue) == ("CAPTURE", 1)
    clock.advance(minutes=1)
    ended = resolve_attempt(hub, caller=an_operator(), reference=f"{reference}-1", reason="their letter")
    assert ended.state == "FAILED"
    start(hub, reference, "other")


def test_held_money_of_an_order_that_closed_is_let_go_and_never_taken(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    receive(hub, told(reference))
    query_pending(hub)
    clock.advance(days=5)
    expire_orders(hub)
    query_pending(hub)
    assert bank.done == ["capture 1", "cancel 1"]
    assert attempts(hub) == [("standin", "FAILED", 150_000)]
    assert scalar(hub, "SELECT count(*) FROM collection") == 0


def test_a_bank_that_tells_paid_and_then_held_is_not_asked_to_take_it(
    hub: Hub, reference: str, bank: HoldingBank
) -> None:
    execute(
        hub,
        "UPDATE payment_attempt SET awaiting = 'CONFIRMATION', unknown_at = started_at, query_at = started_at",
    )
    query_pending(hub)
    assert (bank.done, scalar(hub, "SELECT awaiting FROM payment_attempt")) == ([], "CONFIRMATION")
