"""What is known of one bank: its protocol's limits narrowed by the contract, its calendar and its health."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.health import BankOperation, BankStates, Downtime, Health, HealthState
from payment_hub.domain.banks.profile import NO_TERMS, BankProfile, BankTerms, Bearer, Limits, PaymentMethod
from payment_hub.domain.money import dong
from payment_hub.domain.routing import BankFacts, bank_facts

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
PROFILE = BankProfile(
    "A bank",
    (PaymentMethod.QR, PaymentMethod.BILL),
    (),
    Limits(smallest=dong(2_000), largest=dong(500_000), shortest=timedelta(minutes=5)),
)


def known(
    terms: BankTerms = NO_TERMS, states: BankStates | None = None, now: datetime = NOW, **more: Any
) -> BankFacts:
    asked: dict[str, Any] = {"amount": dong(150_000), "now": now, "holidays": frozenset()} | more
    return bank_facts("one", PROFILE, terms, states or BankStates(now), **asked)


def test_without_a_contract_the_protocol_alone_limits() -> None:
    found = known()
    assert (found.smallest, found.largest, found.needs_seconds) == (2_000, 500_000, 300)
    assert (found.methods, found.agencies, found.kinds) == (("QR", "BILL"), None, None)
    assert (found.fee, found.borne_by, found.settles_on) == (0, "AGENCY", "2026-03-03")
    assert (found.downtime_until, found.open_until, found.closed_until) == (None, None, None)


@pytest.mark.parametrize(
    ("terms", "limits"),
    [
        (BankTerms(smallest=10_000, largest=100_000), (10_000, 100_000)),
        (BankTerms(smallest=1, largest=10**9), (2_000, 500_000)),
        (BankTerms(largest=0), (2_000, 0)),
    ],
)
def test_a_contract_narrows_and_never_widens(terms: BankTerms, limits: tuple[int, int]) -> None:
    assert (known(terms).smallest, known(terms).largest) == limits


def test_the_longer_of_two_last_moments_counts() -> None:
    assert known(BankTerms(before_expiry=timedelta(minutes=1))).needs_seconds == 300
    assert known(BankTerms(before_expiry=timedelta(minutes=9))).needs_seconds == 540


def test_the_fee_is_that_of_this_amount() -> None:
    terms = BankTerms(fee_fixed=1_100, fee_per_ten_thousand=20, borne_by=Bearer.PAYER)
    assert (known(terms).fee, known(terms).borne_by) == (1_400, "PAYER")


@pytest.mark.parametrize(
    ("hours", "closed_until"),
    [(0, None), (6, None), (7, "2026-03-03T00:00:00+07:00"), (13, "2026-03-03T00:00:00+07:00"), (14, None)],
)
def test_a_bank_that_closes_at_its_cut_off_opens_on_the_next_working_day(
    hours: int, closed_until: str | None
) -> None:
    terms = BankTerms(closes_at_cut_off=True, cut_off=time(16, 30))
    assert known(terms, now=NOW + timedelta(hours=hours)).closed_until == closed_until
    assert known(now=NOW + timedelta(hours=hours)).closed_until is None


def test_it_stays_closed_over_weekend_and_holidays() -> None:
    terms, saturday = BankTerms(closes_at_cut_off=True), NOW + timedelta(days=5)
    monday = frozenset({date(2026, 3, 9)})
    assert known(terms, now=saturday).closed_until == "2026-03-09T00:00:00+07:00"
    assert known(terms, now=saturday, holidays=monday).closed_until == "2026-03-10T00:00:00+07:00"
    assert known(terms, now=saturday, holidays=monday).settles_on == "2026-03-11"


def test_health_and_downtimes_are_those_of_opening() -> None:
    resting = Health(HealthState.OPEN, 5, NOW)
    opens, queries = ("one", BankOperation.OPEN), ("one", BankOperation.QUERY)
    assert known(states=BankStates(NOW, {queries: resting})).open_until is None
    found = known(states=BankStates(NOW, {opens: resting}))
    assert (found.health, found.open_until) == ("OPEN", "2026-03-02T03:00:30+00:00")
    rested = known(states=BankStates(NOW, {opens: resting}), now=NOW + timedelta(seconds=30))
    assert (rested.health, rested.open_until) == ("OPEN", None)
    down = Downtime("one", None, NOW, NOW + timedelta(hours=1))
    assert known(states=BankStates(NOW, downtimes=(down,))).downtime_until == "2026-03-02T04:00:00+00:00"
