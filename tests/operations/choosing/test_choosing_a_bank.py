"""Paying without naming a bank, and naming one that is not offered: what is chosen, refused, stored and explained."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from payment_hub.domain.banks.profile import BankTerms, Bearer
from payment_hub.domain.errors import (
    AgencyNotFound,
    BankNotFound,
    BankNotOffered,
    BankUnavailable,
    OrderNotFound,
)
from payment_hub.domain.routing import OptionReason, RoutingFacts, choose_bank
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.routing import explain_choices, prefer_banks, show_payment_options
from payment_hub.web.texts import LANGUAGES
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn
from tests.worlds.database import attempts, count, rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order
from tests.worlds.routing import UNREACHABLE, reasons, shown_options, start_attempt, with_terms


def every_choice_replays(hub: Hub) -> int:
    """Ask every stored choice again; how many there are."""
    stored = rows(hub, "SELECT bank, rule, facts FROM bank_choice")
    for row in stored:
        choice = choose_bank(RoutingFacts.from_json(row["facts"]))
        assert (choice.bank, choice.rule) == (row["bank"], row["rule"])
    return len(stored)


def test_without_a_name_the_cheapest_bank_is_chosen_stored_and_explained(hub: Hub, reference: str) -> None:
    hub = with_terms(hub, one=BankTerms(fee_fixed=1_100), two=BankTerms(fee_fixed=900))
    assert shown_options(hub, reference).chosen == "two"
    assert start_attempt(hub, reference).bank == "two"
    assert every_choice_replays(hub) == 1
    explained = explain_choices(hub, caller=an_operator(), reference=reference)
    message = explained.pop(f"{reference}-1")
    assert explained == {}
    assert {language: words.message(message) for language, words in LANGUAGES.items()} == {
        "vi": "Trong 2 ngân hàng, chọn two vì phí thu hộ thấp nhất.",
        "en": "Of 2 banks two was chosen because its fee is the lowest.",
    }


def test_without_a_name_the_attempt_under_way_goes_on(hub: Hub, reference: str, one: StandInBank) -> None:
    assert start_attempt(hub, reference, "one") == start_attempt(hub, reference)
    assert (len(one.opened), count(hub, "bank_choice")) == (1, 1)


def test_without_a_name_a_silent_bank_is_asked_again_about_the_same_attempt(
    hub: Hub, reference: str, one: StandInBank, clock: StoppedClock
) -> None:
    one.on_open = answers_in_turn(UNREACHABLE, one.on_open(None))  # type: ignore[arg-type]
    with pytest.raises(BankUnavailable):
        start_attempt(hub, reference)
    clock.advance(seconds=30)
    assert start_attempt(hub, reference).reference == f"{reference}-1"
    assert attempts(hub) == [("one", "PENDING", 150_000)]


def test_an_agencys_preference_decides_between_those_that_are_offered(hub: Hub, reference: str) -> None:
    prefer_banks(hub, agency="G22.99", banks=["small", "two", "one"])
    assert start_attempt(hub, reference).bank == "two"
    prefer_banks(hub, agency="G22.99", banks=[])
    assert shown_options(hub, reference).rule == "FIRST_NAMED"
    with pytest.raises(BankNotFound):
        prefer_banks(hub, agency="G22.99", banks=["three"])
    with pytest.raises(AgencyNotFound):
        prefer_banks(hub, agency="H55", banks=["one"])


def test_a_bank_that_is_named_and_not_offered_is_refused_with_the_reason(hub: Hub, reference: str) -> None:
    with pytest.raises(BankNotOffered, match=r"small: The amount is larger than the bank accepts\."):
        start_attempt(hub, reference, "small")
    assert (attempts(hub), count(hub, "bank_choice")) == ([], 0)


def test_naming_a_bank_that_is_not_offered_gives_up_nothing(hub: Hub, reference: str) -> None:
    start_attempt(hub, reference, "one")
    with pytest.raises(BankNotOffered):
        start_attempt(hub, reference, "small")
    assert attempts(hub) == [("one", "PENDING", 150_000)]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (BankTerms(agencies=("H55.1",)), OptionReason.CONTRACT),
        (BankTerms(agencies=("G22.99",)), None),
        (BankTerms(kinds=("tuition",)), OptionReason.KIND),
        (BankTerms(kinds=("tuition", "traffic_fine")), None),
        (BankTerms(smallest=150_001), OptionReason.TOO_SMALL),
        (BankTerms(largest=149_999), OptionReason.TOO_LARGE),
        (BankTerms(closes_at_cut_off=True, cut_off=time(9)), OptionReason.CUT_OFF),
        (BankTerms(closes_at_cut_off=True, cut_off=time(10)), None),
        (BankTerms(before_expiry=timedelta(hours=25)), OptionReason.EXPIRY_NEAR),
    ],
)
def test_a_contract_offers_a_bank_or_not(
    hub: Hub, reference: str, terms: BankTerms, reason: OptionReason | None
) -> None:
    assert reasons(with_terms(hub, one=terms), reference)["one"] is reason


def test_every_bank_is_shown_with_fee_settlement_and_way(hub: Hub, reference: str) -> None:
    hub = with_terms(hub, one=BankTerms(fee_fixed=1_100, borne_by=Bearer.PAYER, settlement_days=2))
    wire = to_wire(shown_options(hub, reference))
    assert wire["items"][0] == {
        "bank": "one",
        "offered": True,
        "reason": None,
        "until": None,
        "why": None,
        "fee": {"amount": "1100", "currency": "VND"},
        "fee_borne_by": "PAYER",
        "settles_on": "2026-03-04",
        "methods": ["PAGE"],
    }
    small = wire["items"][2]
    assert (small["offered"], small["reason"], small["methods"]) == (False, "TOO_LARGE", ["BILL"])
    assert small["why"]["vi"] == "Số tiền lớn hơn mức ngân hàng nhận."
    assert (wire["chosen"], wire["rule"], wire["as_of"]) == (
        "two",
        "CHEAPEST_FOR_PAYER",
        "2026-03-02T03:00:00.000Z",
    )


def test_the_citizens_page_shows_only_what_can_be_paid_now(hub: Hub, reference: str) -> None:
    token = hub.signer.checkout_token(reference)
    assert show_checkout(hub, token=token).banks == ("one", "two")
    closed = {name: BankTerms(kinds=()) for name in hub.adapters}
    assert show_checkout(with_terms(hub, **closed), token=token).banks == ()


def test_a_stranger_is_not_told_that_an_order_exists(hub: Hub, reference: str) -> None:
    with pytest.raises(OrderNotFound):
        show_payment_options(hub, caller=a_portal(hub, "another"), reference=reference)


def test_every_stored_choice_gives_the_same_answer_again(hub: Hub, clock: StoppedClock) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    prefer_banks(hub, agency="G22.99", banks=["two"])
    cheap = with_terms(hub, two=BankTerms(kinds=()), small=BankTerms(fee_fixed=5))
    for amount, bank, house in [
        (50_000, None, hub),
        (150_000, "one", hub),
        (50_000, None, cheap),
        (150_000, None, cheap),
        (99_999, "small", hub),
    ]:
        start_attempt(house, an_order(house, agency, portal, amount=amount)["reference"], bank)
        clock.advance(minutes=7)
    assert every_choice_replays(hub) == 5
    assert [row["rule"] for row in rows(hub, "SELECT rule FROM bank_choice ORDER BY id")] == [
        "AGENCYS_PREFERENCE",
        "REQUESTED",
        "CHEAPEST",
        "ONLY_ONE",
        "REQUESTED",
    ]
