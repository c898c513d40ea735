"""The health of a bank: its breaker opens after too many failures and closes after a probe, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.health import (
    HEALTHY,
    PROBE,
    PROBE_SECONDS,
    BankOperation,
    BankStates,
    BreakerPolicy,
    Downtime,
    Health,
    HealthState,
    after_answer,
    after_failure,
    after_nothing_sent,
    after_probe,
)
from payment_hub.domain.banks.profile import BankProfile, BankTerms, PaymentMethod
from payment_hub.domain.errors import IllegalTransition
from payment_hub.domain.money import dong
from payment_hub.domain.routing import bank_facts

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
THREE = BreakerPolicy(failures=3, within=timedelta(minutes=5), open_for=timedelta(seconds=30))


def failed(times: int, health: Health = HEALTHY, every: timedelta = timedelta(seconds=1)) -> Health:
    for number in range(times):
        health = after_failure(health, NOW + number * every, THREE)
    return health


def test_it_opens_at_the_last_failure_of_so_many_in_a_row() -> None:
    assert [failed(times).state for times in (1, 2, 3)] == ["CLOSED", "CLOSED", "OPEN"]


def test_an_answer_between_forgets_the_failures_before_it() -> None:
    assert after_answer(failed(2)) == HEALTHY
    assert failed(2, after_answer(failed(2))).state is HealthState.CLOSED


def test_failures_far_apart_are_not_in_a_row() -> None:
    assert failed(10, every=timedelta(minutes=6)).failures == 1


def test_an_open_one_rests_and_then_may_be_probed_by_one() -> None:
    opened = failed(3)
    assert opened.since is not None
    rested = opened.since + THREE.open_for
    assert not opened.may_call(rested - timedelta(microseconds=1), THREE)
    assert opened.may_probe(rested, THREE)
    probed = after_probe(opened, rested)
    assert (probed.state, probed.may_call(rested, THREE)) == (HealthState.HALF_OPEN, False)


def test_the_probe_decides() -> None:
    probed = after_probe(failed(3), NOW)
    assert after_answer(probed) == HEALTHY
    again = after_failure(probed, NOW, THREE)
    assert (again.state, again.open_until(THREE)) == (HealthState.OPEN, NOW + THREE.open_for)


def test_a_probe_that_never_comes_back_is_followed_by_another() -> None:
    probed = after_probe(failed(3), NOW)
    assert not probed.may_call(NOW + PROBE - timedelta(seconds=1), THREE)
    assert probed.may_probe(NOW + PROBE, THREE)
    assert after_probe(probed, NOW + PROBE).probe_until == NOW + 2 * PROBE


def test_a_probe_that_never_left_leaves_the_way_to_the_next() -> None:
    probed = after_probe(failed(3), NOW)
    assert after_nothing_sent(probed).may_probe(NOW, THREE)
    assert after_nothing_sent(failed(2)) == failed(2)


def test_who_asked_before_it_opened_changes_nothing_any_more() -> None:
    opened = failed(3)
    assert after_answer(opened) == opened
    assert after_failure(opened, NOW + timedelta(hours=1), THREE) == opened


def test_a_closed_one_is_not_probed() -> None:
    assert not HEALTHY.may_probe(NOW, THREE)
    with pytest.raises(IllegalTransition):
        after_probe(HEALTHY, NOW)


@given(st.lists(st.sampled_from(["answer", "fail", "probe", "nothing"]), max_size=60), st.integers(1, 6))
def test_whatever_happens_it_is_never_stuck(story: list[str], failures: int) -> None:
    policy, health, now = BreakerPolicy(failures=failures, open_for=timedelta(seconds=30)), HEALTHY, NOW
    for word in story:
        now += timedelta(seconds=7)
        if word == "probe" and health.may_probe(now, policy):
            health = after_probe(health, now)
        elif word == "answer":
            health = after_answer(health)
        elif word == "fail":
            health = after_failure(health, now, policy)
        elif word == "nothing":
            health = after_nothing_sent(health)
        closed = health.state is HealthState.CLOSED
        assert closed is (health.open_until(policy) is None)
        assert not closed or health.failures < failures
        assert health.may_call(now + PROBE + policy.open_for, policy)


DOWN = Downtime("one", None, NOW, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("downtime", "operation", "minutes", "away"),
    [
        (DOWN, BankOperation.OPEN, 0, True),
        (DOWN, BankOperation.REFUND, 59, True),
        (DOWN, BankOperation.OPEN, -1, False),
        (DOWN, BankOperation.OPEN, 60, False),
        (Downtime("one", BankOperation.OPEN, NOW, NOW + timedelta(hours=1)), BankOperation.OPEN, 0, True),
        (Downtime("one", BankOperation.OPEN, NOW, NOW + timedelta(hours=1)), BankOperation.QUERY, 0, False),
        (Downtime("two", None, NOW, NOW + timedelta(hours=1)), BankOperation.OPEN, 0, False),
    ],
)
def test_an_announced_downtime_covers_its_bank_its_operation_and_its_time(
    downtime: Downtime, operation: BankOperation, minutes: int, away: bool
) -> None:
    states, now = BankStates(NOW, downtimes=(downtime,)), NOW + timedelta(minutes=minutes)
    assert states.downtime_until("one", operation, now) == (downtime.ends_at if away else None)


def test_of_two_downtimes_the_longer_one_counts() -> None:
    longer = Downtime("one", None, NOW, NOW + timedelta(hours=2))
    states = BankStates(NOW, downtimes=(DOWN, longer))
    assert states.downtime_until("one", BankOperation.OPEN, NOW) == longer.ends_at


TWO = BreakerPolicy(failures=2, open_for=timedelta(seconds=30))
PROFILE = BankProfile("One", (PaymentMethod.PAGE,), ())


def test_a_clock_that_is_set_back_does_not_lengthen_a_rest() -> None:
    opened = after_failure(after_failure(HEALTHY, NOW, TWO), NOW, TWO)
    assert not opened.may_call(NOW - timedelta(seconds=29), TWO)
    assert opened.may_call(NOW - timedelta(hours=1), TWO)
    probed = after_probe(opened, NOW + TWO.open_for)
    assert not probed.may_call(NOW + TWO.open_for, TWO)
    assert probed.may_call(NOW - timedelta(days=1), TWO)
    assert after_probe(probed, NOW - timedelta(days=1)).probe_until == NOW - timedelta(days=1) + PROBE


def test_one_payment_alone_opens_no_breaker() -> None:
    health = HEALTHY
    for second in range(50):
        health = after_failure(health, NOW + timedelta(seconds=second), TWO, "DV1-1")
    assert (health.state, health.failures) == (HealthState.CLOSED, 1)
    assert after_failure(health, NOW, TWO, "DV2-1").state is HealthState.OPEN
    assert after_failure(health, NOW, TWO).state is HealthState.OPEN


def test_a_probe_ends_before_another_may_begin() -> None:
    """A client gives the first word so long, and the whole answer twice as long."""
    assert timedelta(seconds=2 * PROBE_SECONDS + 1) < PROBE


def test_a_bank_that_closes_at_its_cut_off_is_closed_over_the_longest_holidays() -> None:
    terms = BankTerms(closes_at_cut_off=True, cut_off=time(16))
    holidays = frozenset(date(2026, 3, 2) + timedelta(days=ahead) for ahead in range(59))
    facts = bank_facts("one", PROFILE, terms, BankStates(NOW), amount=dong(1), now=NOW, holidays=holidays)
    assert facts.closed_until is not None


def test_what_is_overpaid_has_no_fee_below_nothing() -> None:
    assert BankTerms(fee_fixed=1_100, fee_per_ten_thousand=50).fee(dong(-150_000)) == dong(0)
    assert BankTerms(fee_fixed=1_100).fee(dong(0)) == dong(0)
