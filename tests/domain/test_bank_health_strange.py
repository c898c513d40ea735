"""The breaker when clocks are set back, when one payment alone fails, and at the end of a probe that others outlive."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from payment_hub.domain.banks.health import (
    HEALTHY,
    PROBE,
    PROBE_SECONDS,
    BankStates,
    BreakerPolicy,
    HealthState,
    after_failure,
    after_probe,
)
from payment_hub.domain.banks.profile import BankProfile, BankTerms, PaymentMethod
from payment_hub.domain.money import dong
from payment_hub.domain.routing import bank_facts

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
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
