"""What a citizen's page says: one honest state for all facts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_hub.domain.checkout import MEANINGS, CheckoutState, CheckoutView, Taken
from payment_hub.domain.money import dong
from payment_hub.domain.obligations import ObligationState
from payment_hub.domain.orders import OrderFacts, flags_of, status_of
from payment_hub.domain.payments import AttemptState
from tests.web.checkout.views import ATTEMPT, NOW, OBLIGATION, OPEN, PAGES, a_view, settled

REQUIRED = 100


def test_every_state_has_a_meaning_and_a_page() -> None:
    assert set(MEANINGS) == set(PAGES) == set(CheckoutState)


@pytest.mark.parametrize("state", CheckoutState)
def test_a_page_says_its_state(state: CheckoutState) -> None:
    assert PAGES[state].state is state


def test_the_deadline_ends_the_offer_before_anybody_notes_it() -> None:
    assert a_view(expires_at=NOW + timedelta(milliseconds=1)).state is CheckoutState.CHOOSE_BANK
    assert a_view(expires_at=NOW).state is CheckoutState.EXPIRED


def test_an_amended_obligation_ends_the_offer() -> None:
    amended = replace(OPEN, obligation=replace(OBLIGATION, version=2))
    assert amended.state is CheckoutState.OBLIGATION_CHANGED


def test_money_that_the_bank_proved_and_the_order_does_not_show_is_never_asked_for_again() -> None:
    assert a_view(tried="SUCCEEDED").state is CheckoutState.OUTCOME_UNKNOWN
    assert a_view(tried="SUCCEEDED", expires_at=NOW).state is CheckoutState.CLOSED_OUTCOME_UNKNOWN


def test_what_is_missing_and_what_is_too_much_are_never_below_nothing() -> None:
    part, much = PAGES[CheckoutState.UNDERPAID], settled(1_500_000, "OVERPAID")
    assert (part.remaining, part.excess) == (dong(250_000), dong(0))
    assert (much.remaining, much.excess) == (dong(0), dong(250_000))


def test_instructions_of_another_amount_are_not_shown() -> None:
    view = a_view(tried="PENDING", status="UNDERPAID", received=dong(1_000_000))
    assert view.instructions is None
    rest = replace(view, attempt=replace(ATTEMPT, amount=dong(250_000)))
    assert rest.instructions is rest.attempt


def test_no_instructions_are_shown_that_may_not_be_followed() -> None:
    shown = {state for state, view in PAGES.items() if view.instructions}
    assert shown == {CheckoutState.AWAITING_PAYMENT}


@pytest.fixture(scope="module")
def everything() -> list[CheckoutView]:
    """Every combination of an order's facts, its latest attempt, its obligation and the time."""
    return list(_everything())


def test_a_page_that_offers_banks_can_be_paid_and_no_outcome_is_open(everything: list[CheckoutView]) -> None:
    offers = [view for view in everything if MEANINGS[view.state].offers_banks or view.instructions]
    assert offers
    for view in offers:
        order = view.order
        assert order.status in {"OPEN", "UNDERPAID"}
        assert "HELD" not in order.flags
        assert view.now < order.expires_at
        assert order.cancelled_at is None
        assert view.obligation.state == "OWED"
        assert view.obligation.version == order.obligation.version
        assert not view.attempt or view.attempt.state not in {"SUBMITTING", "UNKNOWN"}


def test_no_page_denies_money_that_came(everything: list[CheckoutView]) -> None:
    for view in everything:
        if view.order.received.minor > 0:
            assert MEANINGS[view.state].taken in {Taken.PART, Taken.YES, Taken.HELD, Taken.RETURNED}


def test_no_page_claims_money_that_did_not_come(everything: list[CheckoutView]) -> None:
    for view in everything:
        if view.order.received.minor == 0 and "HELD" not in view.order.flags:
            assert MEANINGS[view.state].taken in {Taken.NO, Taken.UNKNOWN}


def test_while_a_payment_may_be_on_its_way_no_page_says_that_nothing_was_taken(
    everything: list[CheckoutView],
) -> None:
    for view in everything:
        tried = view.attempt.state if view.attempt else None
        elsewhere = view.state is CheckoutState.PAID_ELSEWHERE
        if tried in {"SUBMITTING", "PENDING", "UNKNOWN", "SUCCEEDED"} and view.order.required.minor:
            assert MEANINGS[view.state].taken is not Taken.NO
            assert not elsewhere


def test_every_state_is_reached(everything: list[CheckoutView]) -> None:
    assert {view.state for view in everything} == set(CheckoutState)


def _everything() -> Iterator[CheckoutView]:
    money = [(0, 0), (40, 0), (100, 0), (100, 30), (100, 100), (130, 0), (130, 30)]
    marks = list(itertools.product([False, True], repeat=4))
    tries = [None, *AttemptState]
    owed = [("OWED", 1), ("OWED", 2), ("WITHDRAWN", 1), ("SETTLED", 1)]
    for (received, refunded), (late, held, expired, cancelled), tried, (state, version) in itertools.product(
        money, marks, tries, owed
    ):
        for required in (0, REQUIRED) if received == 0 else (REQUIRED,):
            facts = OrderFacts(required, received, refunded, expired, cancelled)
            late_now = late and received > 0
            order = replace(
                OPEN.order,
                status=status_of(facts),
                flags=flags_of(
                    net=received - refunded, required=required, late=late_now, conflict=False, held=held
                ),
                required=dong(required),
                received=dong(received),
                refunded=dong(refunded),
                expired_at=NOW if expired else None,
                cancelled_at=NOW if cancelled else None,
                expires_at=NOW if expired else NOW + timedelta(hours=1),
            )
            attempt = (
                replace(ATTEMPT, state=AttemptState(tried), amount=dong(required - received))
                if tried
                else None
            )
            yield replace(
                OPEN,
                order=order,
                attempt=attempt,
                obligation=replace(OBLIGATION, state=ObligationState(state), version=version),
            )
