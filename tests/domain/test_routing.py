"""The choice of a bank, and the facts that a payer is shown about each."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.health import BankOperation, BankStates, Downtime, Health, HealthState
from payment_hub.domain.banks.profile import NO_TERMS, BankProfile, BankTerms, Bearer, Limits, PaymentMethod
from payment_hub.domain.money import dong
from payment_hub.domain.routing import (
    REASONS,
    BankFacts,
    Choice,
    Option,
    OptionReason,
    RoutingFacts,
    Rule,
    bank_facts,
    choose_bank,
    explained,
    not_offered,
    options,
)

LATER = "2026-03-02T05:00:00+00:00"
ORDER = RoutingFacts("G22", "traffic_fine", 150_000, "VND", "2026-03-02T03:00:00+00:00", 3_600, ())


def a_bank(bank: str = "one", **more: Any) -> BankFacts:
    known: dict[str, Any] = {
        "bank": bank,
        "methods": ("QR",),
        "agencies": None,
        "kinds": None,
        "smallest": 1,
        "largest": 10**9,
        "needs_seconds": 0,
        "fee": 1_000,
        "borne_by": "AGENCY",
        "settles_on": "2026-03-03",
    }
    return BankFacts(**(known | more))


def of(*banks: BankFacts, **more: Any) -> RoutingFacts:
    return replace(ORDER, banks=banks, **more)


@pytest.mark.parametrize(
    ("bank", "order", "reason"),
    [
        ({}, {"closed": True}, OptionReason.ORDER_CLOSED),
        ({}, {"undecided": True, "resumed_at": "another"}, OptionReason.UNDER_WAY),
        ({}, {"undecided": True}, OptionReason.UNDER_WAY),
        ({"agencies": ("H55",)}, {}, OptionReason.CONTRACT),
        ({"agencies": ()}, {}, OptionReason.CONTRACT),
        ({"kinds": ("fee",)}, {}, OptionReason.KIND),
        ({"smallest": 150_001}, {}, OptionReason.TOO_SMALL),
        ({"largest": 149_999}, {}, OptionReason.TOO_LARGE),
        ({"downtime_until": LATER}, {}, OptionReason.MAINTENANCE),
        ({"health": "OPEN", "open_until": LATER}, {}, OptionReason.HEALTH),
        ({"closed_until": LATER}, {}, OptionReason.CUT_OFF),
        ({"needs_seconds": 3_601}, {}, OptionReason.EXPIRY_NEAR),
        ({}, {}, None),
        ({"agencies": ("H55", "G22"), "kinds": ("traffic_fine",)}, {}, None),
        ({"smallest": 150_000, "largest": 150_000, "needs_seconds": 3_600}, {}, None),
        ({}, {"undecided": True, "resumed_at": "one"}, None),
        ({"needs_seconds": 3_601}, {"seconds_left": None}, None),
        ({"health": "HALF_OPEN"}, {}, None),
    ],
)
def test_the_first_reason_that_holds_is_told(
    bank: dict[str, Any], order: dict[str, Any], reason: OptionReason | None
) -> None:
    [option] = options(of(a_bank(**bank), **order))
    assert (option.reason, option.offered) == (reason, reason is None)


def test_reasons_are_asked_in_their_order() -> None:
    assert [reason for reason, _ in REASONS] == list(OptionReason)
    everything = a_bank(agencies=(), kinds=(), smallest=10**9, downtime_until=LATER)
    assert options(of(everything))[0].reason is OptionReason.CONTRACT
    assert options(of(everything, closed=True))[0].reason is OptionReason.ORDER_CLOSED


def test_a_reason_that_ends_says_when() -> None:
    expected_by = "2026-03-02T04:00:00+00:00"
    facts = of(
        a_bank(downtime_until=LATER), a_bank(open_until=LATER), a_bank(closed_until=LATER), a_bank(kinds=())
    )
    assert [str(option.until) for option in options(facts)] == ["2026-03-02 05:00:00+00:00"] * 3 + ["None"]
    [option] = options(of(a_bank(), undecided=True, expected_by=expected_by))
    assert option.until is not None
    assert option.until.isoformat() == expected_by


@pytest.mark.parametrize(
    ("banks", "order", "chosen", "rule"),
    [
        ([a_bank("a"), a_bank("b")], {"requested_bank": "b"}, "b", Rule.REQUESTED),
        ([a_bank("a"), a_bank("b", kinds=())], {"requested_bank": "b"}, None, Rule.REQUESTED),
        ([a_bank("a")], {"requested_bank": "x"}, None, Rule.REQUESTED),
        ([a_bank("a", fee=9), a_bank("b", kinds=())], {}, "a", Rule.ONLY_ONE),
        ([a_bank("a", fee=0), a_bank("b")], {"preference": ("x", "b", "a")}, "b", Rule.AGENCYS_PREFERENCE),
        ([a_bank("a", kinds=()), a_bank("b")], {"preference": ("a",)}, "b", Rule.ONLY_ONE),
        ([a_bank("a", health="HALF_OPEN", fee=0), a_bank("b")], {}, "b", Rule.BEST_HEALTH),
        (
            [a_bank("a", fee=10, borne_by="PAYER"), a_bank("b", fee=99)],
            {},
            "b",
            Rule.CHEAPEST_FOR_PAYER,
        ),
        ([a_bank("a", fee=10), a_bank("b", fee=9, borne_by="HUB")], {}, "b", Rule.CHEAPEST),
        ([a_bank("a"), a_bank("b", settles_on="2026-03-02")], {}, "b", Rule.SETTLES_FIRST),
        ([a_bank("b"), a_bank("a")], {}, "b", Rule.FIRST_NAMED),
        ([a_bank("a", kinds=())], {}, None, Rule.NONE_OFFERED),
        ([], {}, None, Rule.NONE_OFFERED),
    ],
)
def test_the_first_rule_that_leaves_one_bank_decides(
    banks: list[BankFacts], order: dict[str, Any], chosen: str | None, rule: Rule
) -> None:
    choice = choose_bank(of(*banks, **order))
    assert (choice.bank, choice.rule) == (chosen, rule)


def test_a_wish_that_is_refused_says_why() -> None:
    choice = choose_bank(of(a_bank("a"), a_bank("b", open_until=LATER), requested_bank="b"))
    assert (choice.reason, choice.until is not None, choice.offered) == (OptionReason.HEALTH, True, 1)
    assert str(explained(choice)) == "The bank does not answer at the moment. Until 12:00 02/03/2026."
    assert str(explained(choose_bank(of(requested_bank="x")))) == "There is no such bank."


SOME = st.sampled_from(["a", "b", "c", "d"])
MOMENTS = st.sampled_from([None, None, None, LATER])
BANKS = st.builds(
    a_bank,
    SOME,
    methods=st.sampled_from([("QR",), ("PAGE", "APP_LINK"), ()]),
    agencies=st.sampled_from([None, None, ("G22",), ("H55",)]),
    kinds=st.sampled_from([None, None, ("traffic_fine",), ()]),
    smallest=st.sampled_from([1, 150_000, 150_001]),
    largest=st.sampled_from([10**9, 150_000, 1]),
    needs_seconds=st.sampled_from([0, 0, 3_601]),
    fee=st.sampled_from([0, 1_000, 1_001]),
    borne_by=st.sampled_from(["AGENCY", "PAYER", "HUB"]),
    settles_on=st.sampled_from(["2026-03-02", "2026-03-03"]),
    closed_until=MOMENTS,
    downtime_until=MOMENTS,
    open_until=MOMENTS,
    health=st.sampled_from(["CLOSED", "CLOSED", "HALF_OPEN", "OPEN"]),
)
FACTS = st.builds(
    of,
    requested_bank=st.sampled_from([None, None, None, "a", "x"]),
    preference=st.lists(SOME, unique=True).map(tuple),
    closed=st.sampled_from([False, False, True]),
    undecided=st.sampled_from([False, False, True]),
    resumed_at=st.sampled_from([None, "a"]),
    seconds_left=st.sampled_from([None, 3_600]),
).flatmap(
    lambda order: st.lists(BANKS, max_size=15, unique_by=lambda bank: bank.bank).map(
        lambda banks: replace(order, banks=tuple(banks))
    )
)


@given(FACTS)
def test_the_choice_is_always_one_of_the_offered_and_never_silent(facts: RoutingFacts) -> None:
    offered = [option.bank for option in options(facts) if option.offered]
    choice = choose_bank(facts)
    if facts.requested_bank is None:
        assert (choice.bank in offered) is bool(offered)
    else:
        assert choice.bank == (facts.requested_bank if facts.requested_bank in offered else None)
    assert choice.offered == len(offered)
    assert str(explained(choice)).endswith(".")


@given(FACTS)
def test_facts_that_were_stored_give_the_same_choice(facts: RoutingFacts) -> None:
    stored = json.loads(json.dumps(facts.as_json()))
    assert RoutingFacts.from_json(stored) == facts
    assert choose_bank(RoutingFacts.from_json(stored)) == choose_bank(facts)


@given(FACTS, st.randoms())
def test_only_the_last_rule_looks_at_the_order_of_the_settings(facts: RoutingFacts, chance: Any) -> None:
    shuffled = list(facts.banks)
    chance.shuffle(shuffled)
    choice, again = choose_bank(facts), choose_bank(replace(facts, banks=tuple(shuffled)))
    if choice.rule is not Rule.FIRST_NAMED:
        assert again == choice
    else:
        assert again.rule is Rule.FIRST_NAMED


@given(FACTS)
def test_a_bank_that_goes_down_is_not_chosen_and_the_others_do_not_change(facts: RoutingFacts) -> None:
    before = choose_bank(facts)
    if before.bank is None:
        return
    down = [replace(bank, open_until=LATER) if bank.bank == before.bank else bank for bank in facts.banks]
    after = replace(facts, banks=tuple(down))
    assert choose_bank(after).bank != before.bank
    others = [option for option in options(facts) if option.bank != before.bank]
    assert [option for option in options(after) if option.bank != before.bank] == others


def test_everything_is_said_in_one_sentence() -> None:
    for reason in OptionReason:
        assert str(not_offered(reason, None)).count(".") == 1
    for rule in Rule:
        chosen = None if rule is Rule.NONE_OFFERED else "vietbank"
        said = str(explained(Choice(chosen, rule, 3)))
        assert said.count(".") == 1
        assert ("vietbank" in said) is (chosen is not None)


def test_only_a_payers_own_fee_is_the_payers() -> None:
    fees = [Option(a_bank(borne_by=word), None).payer_fee for word in ("AGENCY", "PAYER", "HUB")]
    assert fees == [0, 1_000, 0]


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
