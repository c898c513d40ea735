"""A payer comes back from a bank's page with the bank's signed words in the address."""

from __future__ import annotations

from flask.testing import FlaskClient

from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from payment_hub.web.texts import LANGUAGES
from tests.conftest import StoppedClock
from tests.operations.test_checkout import ReturningBank
from tests.web.checkout.conftest import Citizen
from tests.web.conftest import an_app
from tests.worlds.banks import answers_in_turn, with_banks
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation

VI = LANGUAGES["vi"]


def a_citizen(hub: Hub, clock: StoppedClock) -> tuple[Citizen, ReturningBank, FlaskClient]:
    """Who has started to pay at a bank whose browsers bring its words back."""
    bank = ReturningBank()
    hub = with_banks(hub, returning=bank)
    order = an_order(hub, an_agency(hub), a_portal(hub))
    start_payment(hub, reference=order["reference"], bank="returning", payer_ip="203.0.113.9", language="vi")
    clock.advance(minutes=2)
    client = an_app(hub).test_client()
    return Citizen(client, order), bank, client


def test_what_is_signed_makes_us_ask_and_leaves_the_address(hub: Hub, clock: StoppedClock) -> None:
    citizen, bank, client = a_citizen(hub, clock)
    bank.on_query = answers_in_turn(confirmation(f"{citizen.reference}-1", bank="returning"))
    answer = client.get(f"{citizen.link}?genuine={citizen.reference}-1")
    assert (answer.status_code, answer.location) == (303, citizen.link)
    assert citizen.state() == VI("state.PAID.title")


def test_the_words_alone_show_nothing(hub: Hub, clock: StoppedClock) -> None:
    citizen, bank, client = a_citizen(hub, clock)
    client.get(f"{citizen.link}?genuine={citizen.reference}-1")
    assert len(bank.queried) == 1
    assert citizen.state() != VI("state.PAID.title")


def test_our_own_words_in_the_address_are_not_the_banks(hub: Hub, clock: StoppedClock) -> None:
    citizen, bank, client = a_citizen(hub, clock)
    answer = client.get(f"{citizen.link}?lang=en&genuine={citizen.reference}-1")
    assert (answer.status_code, answer.location) == (303, f"{citizen.link}?lang=en")
    assert len(bank.queried) == 1


def test_forged_words_or_those_of_another_order_ask_nobody(hub: Hub, clock: StoppedClock) -> None:
    citizen, bank, client = a_citizen(hub, clock)
    for forged in ("?forged=1", "?genuine=DV0000000000000A", "?genuine=", "?utm_source=x"):
        assert client.get(citizen.link + forged).status_code == 200
    assert bank.queried == []


def test_a_bank_that_knows_one_address_only_leads_to_the_payers_page(hub: Hub, clock: StoppedClock) -> None:
    citizen, _, client = a_citizen(hub, clock)
    answer = client.get(f"/checkout/return/returning?genuine={citizen.reference}-1")
    assert (answer.status_code, answer.location) == (303, f"https://hub.test{citizen.link}")
    assert client.get("/checkout/return/returning?forged=1").status_code == 200
    assert client.get("/checkout/return/nobody").status_code == 404
