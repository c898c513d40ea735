"""Which bank a payment goes to, and where it goes when banks are down."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from payment_hub.domain import routing
from payment_hub.domain.banks.profile import BankTerms, Bearer
from payment_hub.domain.errors import (
    AgencyNotFound,
    BankNotFound,
    BankNotOffered,
    BankUnavailable,
    CircuitOpen,
    OrderClosed,
    OrderNotFound,
    PaymentUnderWay,
)
from payment_hub.domain.routing import RULES, OptionReason, RoutingFacts, Rule, choose_bank
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.banks import announce_downtime
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments import start as starting
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.routing import explain_choices, prefer_banks, show_payment_options
from payment_hub.web.texts import LANGUAGES
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, count, rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive
from tests.worlds.routing import (
    QUICK_BREAKER,
    UNREACHABLE,
    SmallBank,
    reasons,
    shown_options,
    start_attempt,
    with_terms,
)


@pytest.fixture
def one() -> StandInBank:
    return StandInBank(code="one")


@pytest.fixture
def hub(hub: Hub, one: StandInBank) -> Hub:
    banks = with_banks(hub, one=one, two=StandInBank(code="two"), small=SmallBank(code="small"))
    return replace(banks, terms={name: BankTerms(breaker=QUICK_BREAKER) for name in ("one", "two", "small")})


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


@pytest.fixture
def priced_hub(hub: Hub) -> Hub:
    banks = with_banks(hub, one=StandInBank(code="one"), two=StandInBank(code="two"))
    return replace(banks, terms={"one": BankTerms(fee_fixed=9), "two": BankTerms(fee_fixed=5)})


def start_priced(hub: Hub, reference: str, bank: str | None = None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def test_when_the_rules_change_an_old_choice_is_still_explained_as_it_was_made(
    priced_hub: Hub, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_priced(priced_hub, reference)
    before = explain_choices(priced_hub, caller=an_operator(), reference=reference)
    assert "two was chosen because its fee is the lowest" in str(before[f"{reference}-1"])
    changed = [(rule, narrow) for rule, narrow in routing._RULES if rule is not Rule.CHEAPEST]
    monkeypatch.setattr(routing, "_RULES", changed)
    assert explain_choices(priced_hub, caller=an_operator(), reference=reference) == before


def test_when_the_facts_change_their_form_old_ones_still_explain(
    priced_hub: Hub, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_priced(priced_hub, reference)

    def forgotten(*_: object) -> None:
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(RoutingFacts, "from_json", forgotten)
    assert explain_choices(priced_hub, caller=an_operator(), reference=reference)


def test_the_version_of_the_rules_is_stored_with_the_facts(priced_hub: Hub, reference: str) -> None:
    start_priced(priced_hub, reference)
    [row] = rows(priced_hub, "SELECT facts, offered FROM bank_choice")
    assert (row["facts"]["rules"], row["offered"]) == (RULES, 2)
    assert RoutingFacts.from_json(row["facts"]).rules == RULES


def test_a_preference_for_a_bank_that_is_gone_prefers_nothing(priced_hub: Hub, reference: str) -> None:
    prefer_banks(priced_hub, agency="G22.99", banks=["one"])
    gone = replace(
        priced_hub, adapters={"two": priced_hub.adapters["two"], "three": StandInBank(code="three")}
    )
    shown = show_payment_options(gone, caller=an_operator(), reference=reference)
    assert (shown.chosen, shown.rule) == ("three", Rule.CHEAPEST)


def test_an_overpaid_order_shows_no_fee_below_nothing(priced_hub: Hub, reference: str) -> None:
    priced_hub = replace(priced_hub, terms={"one": BankTerms(fee_per_ten_thousand=50)})
    receive(priced_hub, confirmation(reference, 200_000, bank="one"))
    receive(priced_hub, confirmation(reference, 200_000, bank="two"))
    shown = show_payment_options(priced_hub, caller=an_operator(), reference=reference)
    assert {option.reason for option in shown.items} == {"ORDER_CLOSED"}
    assert {option.fee.minor for option in shown.items} == {0}
    assert (
        show_checkout(priced_hub, token=priced_hub.signer.checkout_token(reference)).state == "PAID_TOO_MUCH"
    )


def test_a_silent_bank_is_not_offered_again_for_another_amount(
    priced_hub: Hub, reference: str, clock: StoppedClock
) -> None:
    silent = StandInBank(code="one", on_open=answers_in_turn(BankUnavailable("no answer")))
    priced_hub = replace(priced_hub, adapters={"one": silent, "two": priced_hub.adapters["two"]})
    with pytest.raises(BankUnavailable):
        start_priced(priced_hub, reference, "one")
    shown = show_payment_options(priced_hub, caller=an_operator(), reference=reference)
    assert [option.reason for option in shown.items] == [None, "UNDER_WAY"]
    receive(priced_hub, confirmation(reference, 50_000, bank="elsewhere"))
    shown = show_payment_options(priced_hub, caller=an_operator(), reference=reference)
    assert {option.reason for option in shown.items} == {"UNDER_WAY"}
