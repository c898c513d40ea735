"""A refund's two lives, its way, and what the hub proposes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import RefundOutcome
from payment_hub.domain.errors import MalformedReference, RefundExceeds
from payment_hub.domain.ledger import Account
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.money import dong
from payment_hub.domain.references import new_reference, new_refund_reference, parse_reference
from payment_hub.domain.refunds.eligibility import Collected, is_credited, limits_of, method_of
from payment_hub.domain.refunds.lifecycle import (
    BANK_REFUND_LIFE,
    CONTRADICTIONS,
    EFFECTS,
    ENDED,
    LIVE,
    PAPER_REFUND_LIFE,
    QUERIED,
    RefundEvent,
    RefundState,
    Route,
    event_of,
    life_of,
    paid_from,
    plain_name,
    route_of,
    storable,
)
from tests.domain.test_judgement import ORDER
from tests.refunding import RefundingBank
from tests.stand_in_banks import StandInBank

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MONEY = Collected(
    key=1,
    bank="bank",
    bank_transaction_id="T1",
    amount=100,
    accepted=True,
    late=False,
    collected_at=NOW,
    day=date(2026, 3, 2),
    verdict="SETTLES",
    gone=0,
    charged_back=False,
    excess=0,
    not_carried=False,
    contradicted=False,
    seen=True,
    live_reasons=frozenset(),
    hub_reasons=frozenset(),
    payer=None,
    attempt_reference="A-1",
    started_at=NOW,
    bank_reference=None,
)
LIVES = (BANK_REFUND_LIFE, PAPER_REFUND_LIFE)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_every_refund_is_proposed_then_approved_by_another_or_declined(life: Lifecycle[Any, Any]) -> None:
    moves = {event: state for (before, event), state in life.table.items() if before is RefundState.PROPOSED}
    assert moves == {
        RefundEvent.APPROVED: RefundState.APPROVED,
        RefundEvent.DECLINED: RefundState.DECLINED,
    }


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_what_has_ended_stays_so_and_what_lives_can_end(life: Lifecycle[Any, Any]) -> None:
    reached = {life.first, *life.table.values()}
    assert reached - set(ENDED) <= set(LIVE)
    assert set(ENDED) < reached
    for (state, event), after in life.table.items():
        assert state not in ENDED or (event, after) == (RefundEvent.CONTRADICTED, state)


def test_unknown_never_fails_without_proof_and_is_never_sent_again() -> None:
    events = {event for state, event in BANK_REFUND_LIFE.table if state is RefundState.UNKNOWN}
    assert events == {RefundEvent.ACCEPTED, RefundEvent.RETURNED, RefundEvent.FAILED}
    assert BANK_REFUND_LIFE.sources(RefundEvent.NOT_SENT) == (RefundState.SUBMITTING,)
    assert BANK_REFUND_LIFE.sources(RefundEvent.SUBMITTED) == (RefundState.APPROVED,)
    assert set(QUERIED) == {state for state in LIVE if BANK_REFUND_LIFE.allows(state, RefundEvent.RETURNED)}


def test_accepted_is_not_returned() -> None:
    assert [event_of(outcome) for outcome in RefundOutcome] == [
        RefundEvent.RETURNED,
        RefundEvent.FAILED,
        RefundEvent.ACCEPTED,
    ]
    assert RefundEvent.ACCEPTED not in EFFECTS


def test_the_sums_of_every_story_end_where_they_must() -> None:
    """Whatever ends: nothing stays reserved, and what has gone is what was refunded."""
    for life in LIVES:
        stories: list[tuple[RefundState, int, int, int, int]] = [(life.first, 1, 0, 0, 0)]
        while stories:
            state, held, refunded, paid_back, steps = stories.pop()
            assert 0 <= refunded <= paid_back <= refunded + held
            if state in ENDED:
                assert (held, paid_back) == (0, refunded)
                assert refunded == (state is RefundState.SUCCEEDED)
            for (before, event), after in life.table.items():
                if before is state and steps < 8:
                    effect = EFFECTS.get(event)
                    change = (effect.held, effect.refunded, effect.paid_back) if effect else (0, 0, 0)
                    stories.append(
                        (after, held + change[0], refunded + change[1], paid_back + change[2], steps + 1)
                    )


def test_a_declined_refund_frees_what_it_had_reserved_and_nothing_else() -> None:
    proposed, declined = EFFECTS[RefundEvent.PROPOSED], EFFECTS[RefundEvent.DECLINED]
    assert (proposed.held, proposed.refunded, proposed.paid_back) == (1, 0, 0)
    assert (declined.held, declined.refunded, declined.paid_back) == (-1, 0, 0)


@pytest.mark.parametrize("state", RefundState)
@pytest.mark.parametrize("event", [RefundEvent.RETURNED, RefundEvent.FAILED, RefundEvent.ACCEPTED])
def test_only_a_word_against_the_end_is_a_contradiction(state: RefundState, event: RefundEvent) -> None:
    against = {
        (RefundState.SUCCEEDED, RefundEvent.FAILED),
        (RefundState.FAILED, RefundEvent.RETURNED),
    }
    assert ((state, event) in CONTRADICTIONS) == ((state, event) in against)
    assert not (state in ENDED and BANK_REFUND_LIFE.allows(state, event))


@pytest.mark.parametrize(
    ("credited", "owed", "treasury", "limits", "expected"),
    [
        (False, True, True, Limits(), Route.BANK),
        (False, True, True, None, Route.TRANSFER),
        (True, True, True, Limits(), Route.TREASURY),
        (True, True, False, Limits(), Route.AGENCY),
        (True, False, True, Limits(), Route.BANK),
        (False, True, True, Limits(part_refunds=False), Route.TRANSFER),
        (False, True, True, Limits(smallest_refund=dong(51)), Route.TRANSFER),
        (False, True, True, Limits(smallest_refund=dong(50), largest_refund=dong(50)), Route.BANK),
        (False, True, True, Limits(largest_refund=dong(49)), Route.TRANSFER),
    ],
)
def test_the_way(credited: bool, owed: bool, treasury: bool, limits: Limits | None, expected: Route) -> None:
    found = route_of(
        credited=credited, owed_to_agency=owed, treasury=treasury, limits=limits, amount=50, paid=100
    )
    assert found is expected


def test_the_whole_goes_back_through_a_bank_that_gives_back_only_the_whole() -> None:
    asked: dict[str, Any] = {"credited": False, "owed_to_agency": True, "treasury": True}
    whole_only = Limits(part_refunds=False)
    assert route_of(**asked, limits=whole_only, amount=100, paid=100) is Route.BANK
    assert route_of(**asked, limits=whole_only, amount=99, paid=100) is Route.TRANSFER


def test_each_way_has_its_life_and_its_purse() -> None:
    assert [life_of(route) is BANK_REFUND_LIFE for route in Route] == [True, False, False, False]
    assert [paid_from(route) for route in Route] == [Account.BANK_CLEARING] * 2 + [
        Account.SETTLEMENT_CASH
    ] * 2


def test_a_part_that_the_agency_has_had_goes_alone() -> None:
    order = replace(
        ORDER,
        required=100,
        received=130,
        accepted=130,
        settled_here=True,
        posted={Account.AGENCY_PAYABLE: 100, Account.OVERPAYMENT: 30},
    )
    money = replace(MONEY, amount=130)
    asked: dict[str, Any] = {"treasury": True, "limits": Limits()}
    assert method_of(order, money, 30, credited=True, **asked) is Route.BANK
    assert method_of(order, money, 130, credited=False, **asked) is Route.BANK
    with pytest.raises(RefundExceeds, match="has had 1 of it: first give back 30"):
        method_of(order, money, 31, credited=True, **asked)


def test_when_money_is_with_the_agency() -> None:
    day = MONEY.day
    assert not is_credited(MONEY, None, day + timedelta(days=999))
    assert [is_credited(MONEY, 2, day + timedelta(days=n)) for n in range(4)] == [False, False, True, True]


def test_only_a_bank_with_the_message_has_limits_of_it() -> None:
    assert limits_of(RefundingBank()) == Limits()
    assert limits_of(StandInBank()) is None
    assert limits_of(None) is None


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Nguyễn Văn Đức", "Nguyen Van Duc"),
        ("Trần\tThị  Lan", "TranThi Lan"),
        ("đỗ-lan.k", "do-lan.k"),
        ("李", "officer"),
        ("", "officer"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_name_as_a_banks_message_carries_it(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("said", "kept"), [("00", "00"), ("a\0b", "ab"), ("\ud800", "\\ud800"), ("x" * 300, "x" * 200)]
)
def test_whatever_a_bank_says_can_be_stored(said: str, kept: str) -> None:
    assert storable(said) == kept


def test_a_refunds_reference_is_no_orders() -> None:
    made = new_refund_reference(NOW, 7)
    assert made == "RF" + new_reference(NOW, 7)[2:]
    with pytest.raises(MalformedReference):
        parse_reference(made)
