"""Every bank that has a simulator, each from the order to the receipt: the hub and the bank meet over HTTP alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from sqlalchemy import Engine, text

from bank_adapters import load_adapters
from bank_adapters.simulators.server import find_simulators, settings_of
from bank_adapters.simulators.simulator import Simulator
from payment_hub.commands.conformance import HttpSimulatorClient
from payment_hub.domain.banks.conformance import ConformanceReport, Mark
from payment_hub.domain.banks.port import CanQuery, HasStatement, TakesCallbacks
from payment_hub.domain.calendar import business_day
from payment_hub.hub import utc_now
from payment_hub.operations.conformance import open_conformance_payment, run_conformance
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.webhooks import deliver_webhooks
from tests.conftest import emptied
from tests.journeys.conftest import World, world_of
from tests.simulators.mekong import MekongSimulator

SIMULATORS: list[type[Simulator]] = [MekongSimulator, *find_simulators()]
PACE = 1000.0
AMOUNT = 150_000

with tempfile.TemporaryDirectory() as _folder:
    _ADAPTERS = load_adapters(
        [one.name for one in SIMULATORS],
        settings_of(SIMULATORS, "http://127.0.0.1:9", Path(_folder)),
        "http://127.0.0.1:9",
    )


def able(ability: type[Any]) -> list[str]:
    """The banks that have this ability of the port."""
    return [name for name, adapter in _ADAPTERS.items() if isinstance(adapter, ability)]


@pytest.fixture(scope="module")
def world(migrated: Engine, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub with all banks for all stories; the invariants must hold when they have ended."""
    emptied(migrated)
    with world_of(SIMULATORS, database_url, tmp_path_factory.mktemp("all_banks"), PACE) as everybody:
        yield everybody


@pytest.mark.parametrize("bank", able(TakesCallbacks))
def test_a_citizen_pays_and_the_portal_hears_of_it(world: World, bank: str) -> None:
    order = an_order(world, bank, "pays")
    back = follow(world, bank, world.started(order, bank))
    assert requests.get(back, timeout=10).status_code == 200
    require_heard(world, bank)
    learn(world, bank)
    paid = world.order(order)
    assert (paid["status"], paid["received"]["amount"]) == ("PAID", str(AMOUNT))
    receipt = world.portal.get(f"/v1/payment-orders/{order['reference']}/receipt")
    assert receipt.json()["amount_in_words"] == "Một trăm năm mươi nghìn đồng"
    while deliver_webhooks(world.hub):
        pass
    told = world.receiver.webhook(order["reference"], "payment_order.paid")
    assert told is not None
    assert told["data"] == paid


@pytest.mark.parametrize("bank", list(_ADAPTERS))
def test_a_declined_payment_can_be_made_again(world: World, bank: str) -> None:
    order = an_order(world, bank, "declines")
    follow(world, bank, world.started(order, bank), "decline")
    require_heard(world, bank)
    ask_now(world)
    assert world.order(order)["status"] == "OPEN"
    again = world.started(order, bank)
    follow(world, bank, again)
    require_heard(world, bank)
    learn(world, bank)
    assert world.order(order)["status"] == "PAID"


@pytest.mark.parametrize("bank", able(TakesCallbacks))
def test_a_callback_that_comes_twice_brings_its_money_once(world: World, bank: str) -> None:
    order = an_order(world, bank, "twice")
    follow(world, bank, world.started(order, bank), "twice")
    assert require_heard(world, bank) >= 2
    learn(world, bank)
    assert world.order(order)["status"] == "PAID"
    assert collected(world, order) == [AMOUNT]


@pytest.mark.parametrize("bank", able(CanQuery))
def test_what_the_bank_does_not_tell_is_found_out_by_asking(world: World, bank: str) -> None:
    order = an_order(world, bank, "silent")
    follow(world, bank, world.started(order, bank), "silent")
    assert world.order(order)["status"] == "OPEN"
    ask_now(world)
    assert world.order(order)["status"] == "PAID"
    assert collected(world, order) == [AMOUNT]


@pytest.mark.parametrize("bank", able(HasStatement))
def test_what_nobody_told_is_found_in_the_statement(world: World, bank: str) -> None:
    order = an_order(world, bank, "night")
    follow(world, bank, world.started(order, bank), "silent")
    assert world.order(order)["status"] == "OPEN"
    night(world, bank)
    assert world.order(order)["status"] == "PAID"
    assert collected(world, order) == [AMOUNT]


def test_every_simulator_passes_the_acceptance_kit(world: World) -> None:
    simulators = world.simulators
    assert simulators is not None
    simulators.slow_seconds = 2.5
    open_conformance_payment(
        world.hub, bank="mekong"
    )  # so that the kit's agency and portal are there, and made once

    def kit(bank: str) -> ConformanceReport:
        simulator = HttpSimulatorClient(f"{simulators.url}/{bank}")
        return run_conformance(world.hub, bank=bank, simulator=simulator, done=lambda result: None)

    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(kit, _ADAPTERS))
    failed = {
        f"{report.bank} {one.check.name}": one.seen
        for report in reports
        for one in report.results
        if one.mark is Mark.FAILED
    }
    assert failed == {}
    assert all(any(one.mark is Mark.PASSED for one in report.results) for report in reports)


def an_order(world: World, bank: str, story: str) -> dict[str, Any]:
    """A fine of its own for every story."""
    return world.an_order(AMOUNT, f"QD-{bank}-{story}".replace("_", "-").upper())


def follow(world: World, bank: str, attempt: dict[str, Any], choice: str = "pay") -> str:
    """Do what the instructions say, as a citizen does, with this choice; where the browser goes afterwards."""
    assert world.simulators is not None
    told, simulator = attempt["instructions"], f"{world.simulators.url}/{bank}"
    if told.get("page_url"):
        page = requests.get(told["page_url"], timeout=10)
        assert page.status_code == 200, page.text
        assert "150.000 VND" in page.text, page.text
        address, form = page.url, {"choice": choice}
    elif told.get("qr_text"):
        address, form = f"{simulator}/transfer", {"qr_text": told["qr_text"], "choice": choice}
    else:
        address, form = f"{simulator}/bill", {"bill_code": told["bill_code"], "choice": choice}
    answer = requests.post(address, form, timeout=10, allow_redirects=False)
    assert answer.status_code == 303, f"{answer.status_code} at {answer.url}: {answer.text}"
    return urljoin(address, answer.headers["Location"])


def require_heard(world: World, bank: str) -> int:
    """How many messages about the bank's latest payment were sent; the last was taken, in the bank's own words.

    Other stories in the same world have messages of theirs refused on purpose.
    """
    assert world.simulators is not None
    world.simulators.wait_until_delivered()
    book = world.simulators.banks[bank].book
    told = book.delivered(book.payments()[-1].reference)
    assert not told or told[-1].accepted, [(one.reply.status, one.reply.body) for one in told]
    return len(told)


def learn(world: World, bank: str) -> None:
    """For a bank that calls nobody, or whose calls prove nothing: ask it, or read its statement."""
    if bank in able(TakesCallbacks) and _ADAPTERS[bank].profile.signed:
        return
    if bank in able(CanQuery):
        ask_now(world)
    else:
        night(world, bank)


def ask_now(world: World) -> None:
    """Every open question is due."""
    with world.hub.transaction() as session:
        session.execute(text("UPDATE payment_attempt SET query_at = now() - interval '1 second'"))
    query_pending(world.hub)


def night(world: World, bank: str) -> None:
    """The bank drops its file of today, unless it is fetched, and the books are compared."""
    day = business_day(utc_now())
    assert world.simulators is not None
    dropped = requests.post(f"{world.simulators.url}/{bank}/statement/{day}", timeout=10)
    assert dropped.status_code in (200, 409), dropped.text
    run = world.officer.post("/v1/reconciliation/runs", {"scope": f"bank:{bank}", "day": day.isoformat()})
    assert run.ok, run.text
    assert run.json()["state"] == "COMMITTED", run.json()


def collected(world: World, order: dict[str, Any]) -> list[int]:
    """The amounts of money that were booked for an order."""
    with world.hub.transaction() as session:
        found = session.scalars(
            text(
                "SELECT c.amount FROM collection c JOIN payment_order o ON o.id = c.order_id WHERE o.reference = :r"
            ),
            {"r": order["reference"]},
        )
        return list(found)
