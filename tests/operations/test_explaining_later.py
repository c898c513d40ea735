"""A choice is explained by what decided then, whatever the rules have become since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain import routing
from payment_hub.domain.banks.profile import BankTerms
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.routing import RULES, RoutingFacts, Rule
from payment_hub.hub import Hub
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.routing import explain_choices, prefer_banks, show_payment_options
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


@pytest.fixture
def hub(hub: Hub) -> Hub:
    banks = with_banks(hub, one=StandInBank(code="one"), two=StandInBank(code="two"))
    return replace(banks, terms={"one": BankTerms(fee_fixed=9), "two": BankTerms(fee_fixed=5)})


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def start(hub: Hub, reference: str, bank: str | None = None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def test_when_the_rules_change_an_old_choice_is_still_explained_as_it_was_made(
    hub: Hub, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(hub, reference)
    before = explain_choices(hub, caller=an_operator(), reference=reference)
    assert "two was chosen because its fee is the lowest" in str(before[f"{reference}-1"])
    changed = [(rule, narrow) for rule, narrow in routing._RULES if rule is not Rule.CHEAPEST]
    monkeypatch.setattr(routing, "_RULES", changed)
    assert explain_choices(hub, caller=an_operator(), reference=reference) == before


def test_when_the_facts_change_their_form_old_ones_still_explain(
    hub: Hub, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(hub, reference)

    def forgotten(*_: object) -> None:
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(RoutingFacts, "from_json", forgotten)
    assert explain_choices(hub, caller=an_operator(), reference=reference)


def test_the_version_of_the_rules_is_stored_with_the_facts(hub: Hub, reference: str) -> None:
    start(hub, reference)
    [row] = rows(hub, "SELECT facts, offered FROM bank_choice")
    assert (row["facts"]["rules"], row["offered"]) == (RULES, 2)
    assert RoutingFacts.from_json(row["facts"]).rules == RULES


def test_a_preference_for_a_bank_that_is_gone_prefers_nothing(hub: Hub, reference: str) -> None:
    prefer_banks(hub, agency="G22.99", banks=["one"])
    gone = replace(hub, adapters={"two": hub.adapters["two"], "three": StandInBank(code="three")})
    shown = show_payment_options(gone, caller=an_operator(), reference=reference)
    assert (shown.chosen, shown.rule) == ("three", Rule.CHEAPEST)


def test_an_overpaid_order_shows_no_fee_below_nothing(hub: Hub, reference: str) -> None:
    hub = replace(hub, terms={"one": BankTerms(fee_per_ten_thousand=50)})
    receive(hub, confirmation(reference, 200_000, bank="one"))
    receive(hub, confirmation(reference, 200_000, bank="two"))
    shown = show_payment_options(hub, caller=an_operator(), reference=reference)
    assert {option.reason for option in shown.items} == {"ORDER_CLOSED"}
    assert {option.fee.minor for option in shown.items} == {0}
    assert show_checkout(hub, token=hub.signer.checkout_token(reference)).state == "PAID_TOO_MUCH"


def test_a_silent_bank_is_not_offered_again_for_another_amount(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    silent = StandInBank(code="one", on_open=answers_in_turn(BankUnavailable("no answer")))
    hub = replace(hub, adapters={"one": silent, "two": hub.adapters["two"]})
    with pytest.raises(BankUnavailable):
        start(hub, reference, "one")
    shown = show_payment_options(hub, caller=an_operator(), reference=reference)
    assert [option.reason for option in shown.items] == [None, "UNDER_WAY"]
    receive(hub, confirmation(reference, 50_000, bank="elsewhere"))
    shown = show_payment_options(hub, caller=an_operator(), reference=reference)
    assert {option.reason for option in shown.items} == {"UNDER_WAY"}
