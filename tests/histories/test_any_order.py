"""The end is the same in whatever order facts arrive that do not contradict one another (money's tenth invariant)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants
from tests.conftest import StoppedClock
from tests.histories.facts import EXPIRE, Act, Fact, end_after
from tests.worlds.banks import StandInBank, with_banks

SETS: dict[str, list[Act]] = {
    "parts and too much": [Fact("A", 40_000), Fact("B", 110_000), Fact("C", 5_000), EXPIRE],
    "the same twice, and under another event": [Fact("A"), Fact("A"), Fact("A", event="again"), EXPIRE],
    "declined and paid": [
        Fact("A"),
        Fact("B", outcome=Outcome.DECLINED),
        Fact("C", outcome=Outcome.PENDING),
        EXPIRE,
    ],
    "two banks": [Fact("A"), Fact("A", bank="other"), Fact("B", 1, bank="other"), EXPIRE],
    "in time and late": [Fact("A", 100_000), Fact("B", 50_000, hours=30), Fact("C", 7, hours=31), EXPIRE],
    "late only": [Fact("A", hours=30), Fact("B", hours=31), Fact("C", 1, hours=1), EXPIRE],
    "dollars": [Fact("A", 100, currency="USD"), Fact("B"), Fact("C", 1, currency="USD"), EXPIRE],
    "typed by hand": [Fact("A", order="ve sinh"), Fact("B", 1, order="ve sinh"), Fact("C"), EXPIRE],
}
POLICIES: list[dict[str, Any]] = [
    *({"late_policy": policy} for policy in LatePolicy),
    {"part_payments": True},
]


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, standin=StandInBank())


def _end_alike(hub: Hub, clock: StoppedClock, name: str, policy: dict[str, Any], every: int) -> None:
    tried = list(permutations(SETS[name]))[::every]
    ends = [end_after(hub, clock, acts, **policy) for acts in tried]
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize("name", SETS)
def test_a_chosen_set_ends_alike_in_every_second_order(hub: Hub, clock: StoppedClock, name: str) -> None:
    _end_alike(hub, clock, name, POLICIES[0], every=2)


@pytest.mark.parametrize("policy", POLICIES[1:], ids=lambda policy: str(*policy.values()))
@pytest.mark.parametrize("name", ["parts and too much", "in time and late", "late only"])
def test_late_and_part_payments_end_alike_under_every_policy(
    hub: Hub, clock: StoppedClock, name: str, policy: dict[str, Any]
) -> None:
    _end_alike(hub, clock, name, policy, every=4)


@pytest.mark.deep
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: str(*policy.values()))
@pytest.mark.parametrize("name", SETS)
def test_every_chosen_set_ends_alike_in_every_order_under_every_policy(
    hub: Hub, clock: StoppedClock, name: str, policy: dict[str, Any]
) -> None:
    _end_alike(hub, clock, name, policy, every=1)


_FACTS = st.builds(
    Fact,
    transaction=st.sampled_from("ABCDE"),
    amount=st.sampled_from([1, 50_000, 149_999, 150_000, 150_001]),
    bank=st.sampled_from(["standin", "other"]),
    hours=st.sampled_from([1, 23.9, 24.1, 40]),
    currency=st.sampled_from(["VND", "VND", "VND", "USD"]),
    order=st.sampled_from(["new", "new", "new", "typed"]),
)
_SETS = st.lists(_FACTS, min_size=2, max_size=5, unique_by=lambda fact: (fact.bank, fact.transaction))


def _any_order(hub: Hub, clock: StoppedClock, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    @given(facts=_SETS, policy=st.sampled_from(POLICIES), data=st.data())
    def ends_alike(facts: list[Act], policy: dict[str, Any], data: st.DataObject) -> None:
        acts = [*facts, EXPIRE, facts[0]]
        first = end_after(hub, clock, acts, **policy)
        for _ in range(2):
            assert end_after(hub, clock, data.draw(st.permutations(acts)), **policy) == first
        assert check_invariants(hub) == []

    ends_alike()


def test_random_sets_end_alike_in_every_order_that_is_tried(hub: Hub, clock: StoppedClock) -> None:
    _any_order(hub, clock, 15)


@pytest.mark.deep
def test_many_random_sets_end_alike_in_every_order_that_is_tried(hub: Hub, clock: StoppedClock) -> None:
    _any_order(hub, clock, 400)


@pytest.mark.parametrize("amount", [40_000, 150_000])
@pytest.mark.parametrize("policy", [LatePolicy.ACCEPT, LatePolicy.SUSPENSE])
def test_two_orders_of_one_obligation_keep_the_same_money_in_the_same_accounts(
    hub: Hub, clock: StoppedClock, policy: LatePolicy, amount: int
) -> None:
    """Which of two settles an obligation that is owed once is decided by who was heard first; nothing else is."""
    acts: list[Act] = [Fact("A", amount, order="old", hours=2), Fact("B", hours=2)]
    ends = [end_after(hub, clock, tried, old=True, late_policy=policy) for tried in permutations(acts)]
    for end in ends:
        end["orders"] = [
            {name: row[name] for name in ("status", "received", "accepted", "late")} for row in end["orders"]
        ]
    assert ends[0] == ends[1]
