"""Money goes back by every bank, from the proposal to the empty clearing account: all parts meet over HTTP alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from payment_hub.domain.banks.port import HasStatement
from tests.conftest import emptied
from tests.journeys.conftest import World, world_of
from tests.journeys.giving_back import (
    ADAPTERS,
    ANSWERING,
    ON_PAPER,
    REFUNDING,
    SIMULATORS,
    a_paid_order,
    address,
    approve,
    ask,
    carry_out,
    in_clearing,
    in_mode,
    money,
    propose,
    prove,
    refunds_are,
    refunds_at_bank,
    require_kept,
    require_returned,
    require_told,
    send,
    state,
    wait_until_there,
)
from tests.journeys.test_all_banks import AMOUNT, PACE, night, require_heard
from tests.worlds.database import balances

PART = 50_000


@pytest.fixture(scope="module")
def world(migrated: Engine, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub with all banks for all stories; when they have ended nothing is on its way, and the invariants hold."""
    emptied(migrated)
    with world_of(SIMULATORS, database_url, tmp_path_factory.mktemp("refunds"), PACE) as everybody:
        yield everybody
        assert "REFUND_CLEARING" not in balances(everybody.hub)


def test_some_rails_give_money_back_and_some_do_not() -> None:
    assert len(REFUNDING) >= 7
    assert set(ANSWERING) < set(REFUNDING)
    assert {"casso", "links_alone"} <= set(ON_PAPER)


@pytest.mark.parametrize("bank", REFUNDING)
def test_what_the_rail_refuses_stays_where_it_was_and_can_be_asked_for_again(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "refused")
    propose(world, order)
    assert approve(world, order) == "BANK"
    assert in_clearing(world, order) == AMOUNT
    with refunds_are(world, bank, "FAILED"):
        assert send(world) == 1
    if state(world, order) == "PENDING":
        ask(world, order)
    assert state(world, order) == "FAILED"
    require_kept(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_failed")
    propose(world, order, refund_id="R2", by=world.officer)
    refused = world.officer.post(f"{address(order, 'R2')}/approve", {})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/same-person")
    approve(world, order, "R2", by=world.second_officer)
    with refunds_are(world, bank, "SUCCEEDED"):
        assert send(world) == 1
    if state(world, order, "R2") == "PENDING":
        ask(world, order)
    assert state(world, order, "R2") == "SUCCEEDED"
    require_returned(world, order)


@pytest.mark.parametrize("bank", ANSWERING)
def test_what_the_rail_accepted_and_then_cannot_do_stays_where_it_was(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "fails")
    propose(world, order)
    approve(world, order)
    with refunds_are(world, bank, "PENDING"):
        assert send(world) == 1
    assert state(world, order) == "PENDING"
    carry_out(world, bank, "FAILED")
    assert ask(world, order) == 1
    assert state(world, order) == "FAILED"
    require_kept(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_failed")


@pytest.mark.parametrize("bank", REFUNDING)
def test_of_what_the_rail_never_heard_nobody_knows_until_a_document_says_so(world: World, bank: str) -> None:
    order, before = a_paid_order(world, bank, "unheard"), len(refunds_at_bank(world, bank))
    propose(world, order)
    approve(world, order)
    with in_mode(world, bank, "error_500"):
        assert send(world) == 1
    for _ in range(2):
        assert state(world, order) == "UNKNOWN"
        assert ask(world, order) == 1
    assert state(world, order) == "UNKNOWN"
    assert send(world) == 0
    assert len(refunds_at_bank(world, bank)) == before
    assert (world.order(order)["status"], in_clearing(world, order)) == ("PAID", AMOUNT)
    assert prove(world, order, "FAILED") == "FAILED"
    require_kept(world, order)


@pytest.mark.parametrize("bank", REFUNDING)
def test_a_rail_that_hangs_up_is_not_asked_twice(world: World, bank: str) -> None:
    order, before = a_paid_order(world, bank, "silent"), len(refunds_at_bank(world, bank))
    propose(world, order)
    approve(world, order)
    with in_mode(world, bank, "hang_up"), refunds_are(world, bank, "SUCCEEDED"):
        assert send(world) == 1
        wait_until_there(world, bank, before + 1)
    assert state(world, order) == "UNKNOWN"
    assert send(world) == 0
    require_told(world, order, "refund_proposed", "refund_approved")
    for _ in range(6):
        is_open = state(world, order) == "UNKNOWN"
        assert ask(world, order) == is_open
    a_paid_order(world, bank, "after-silence")  # and it can be asked about payments all the while
    if state(world, order) == "UNKNOWN":  # it cannot be asked about what it gave no number to
        assert prove(world, order, "RETURNED") == "SUCCEEDED"
    assert send(world) == 0
    assert len(refunds_at_bank(world, bank)) == before + 1
    require_returned(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_succeeded")


def test_seven_workers_wait_in_vain_and_every_rail_gives_back_once(world: World) -> None:
    assert world.simulators is not None
    world.simulators.slow_seconds = 2.5
    orders = {bank: a_paid_order(world, bank, "slow") for bank in REFUNDING}
    before = {bank: len(refunds_at_bank(world, bank)) for bank in REFUNDING}
    for bank, order in orders.items():
        propose(world, order)
        approve(world, order)
        world.simulators.banks[bank].mode = "slow"
        world.simulators.banks[bank].book.refunds_are = "SUCCEEDED"
    with ThreadPoolExecutor(len(REFUNDING)) as pool:
        assert sum(pool.map(lambda _: send(world), REFUNDING)) == len(REFUNDING)
    assert {state(world, order) for order in orders.values()} == {"UNKNOWN"}
    assert send(world) == 0
    for bank in REFUNDING:
        wait_until_there(world, bank, before[bank] + 1)
        world.simulators.banks[bank].mode, world.simulators.banks[bank].book.refunds_are = "normal", ""
    assert ask(world, *orders.values()) == len(REFUNDING)
    for bank, order in orders.items():
        if state(world, order) == "UNKNOWN":
            prove(world, order, "RETURNED")
        assert len(refunds_at_bank(world, bank)) == before[bank] + 1
        require_returned(world, order)


@pytest.mark.parametrize("bank", REFUNDING)
def test_money_goes_back_and_the_portal_hears_of_each_step(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "returns")
    proposed = propose(world, order)
    assert (proposed["state"], proposed["route"]) == ("PROPOSED", "BANK")
    late = {"refundable": money(AMOUNT), "amount": money(1), "reason": "OTHER", "note": "x"}
    assert world.portal.put(address(order, "R2"), late).status_code == 412
    assert send(world) == 0
    assert approve(world, order) == "BANK"
    with refunds_are(world, bank, "PENDING"):
        assert send(world) == 1
    assert state(world, order) == "PENDING"
    assert ask(world, order) == 1
    assert (state(world, order), world.order(order)["status"]) == ("PENDING", "PAID")
    carry_out(world, bank, "SUCCEEDED")
    assert ask(world, order) == 1
    if bank not in ANSWERING:
        assert prove(world, order, "RETURNED") == "SUCCEEDED"
    assert state(world, order) == "SUCCEEDED"
    require_returned(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_succeeded")


@pytest.mark.parametrize("bank", REFUNDING)
def test_what_the_rail_tells_again_of_the_payment_brings_nothing_back(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "again")
    propose(world, order)
    approve(world, order)
    with refunds_are(world, bank, "SUCCEEDED"):
        send(world)
    ask(world, order)
    require_returned(world, order)
    assert world.simulators is not None
    book = world.simulators.banks[bank].book
    book.notify(book.payments()[-1])
    require_heard(world, bank)
    if isinstance(ADAPTERS[bank], HasStatement):
        night(world, bank)
    require_returned(world, order)


@pytest.mark.parametrize("bank", REFUNDING)
def test_a_part_goes_back_and_the_rest_afterwards(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "parts")
    for refund_id, amount, gone in (("R1", PART, PART), ("R2", AMOUNT - PART, AMOUNT)):
        propose(world, order, amount, refund_id)
        route = approve(world, order, refund_id)
        assert route == ("BANK" if ADAPTERS[bank].profile.limits.part_refunds else "TRANSFER")
        with refunds_are(world, bank, "SUCCEEDED"):
            assert send(world) == (route == "BANK")
        if route == "TRANSFER":
            prove(world, order, "HANDED_IN", refund_id)
            prove(world, order, "RETURNED", refund_id)
        ask(world, order)
        assert state(world, order, refund_id) == "SUCCEEDED"
        require_returned(world, order, gone)
    require_told(world, order, *["refund_proposed", "refund_approved", "refund_succeeded"] * 2)
