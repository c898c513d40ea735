"""Money that no message of a bank can give back: an officer transfers it, and a document ends it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from bank_adapters.simulators.payos import payers_account
from bank_adapters.simulators.transfers import PAYERS_BANK
from tests.conftest import emptied
from tests.journeys.conftest import World, world_of
from tests.journeys.giving_back import (
    ON_PAPER,
    SIMULATORS,
    a_paid_order,
    address,
    approve,
    in_clearing,
    propose,
    prove,
    refunds_at_bank,
    require_kept,
    require_returned,
    require_told,
    send,
    state,
)
from tests.journeys.test_all_banks import AMOUNT, PACE, follow, night
from tests.worlds.database import balances

TELL_THE_ACCOUNT = ("casso", "links_alone")


@pytest.fixture(scope="module")
def world(migrated: Engine, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub with all banks for all stories; when they have ended nothing is on its way, and the invariants hold."""
    emptied(migrated)
    with world_of(SIMULATORS, database_url, tmp_path_factory.mktemp("on_paper"), PACE) as everybody:
        yield everybody
        assert "REFUND_CLEARING" not in balances(everybody.hub)


@pytest.mark.parametrize("bank", ON_PAPER)
def test_a_transfer_that_fails_leaves_the_money_where_it_was(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "returned")
    propose(world, order)
    approve(world, order)
    early = {"event": "RETURNED", "document": "UNC 16", "dated_on": "2026-01-01"}
    refused = world.second_officer.post(f"{address(order)}/evidence", early)
    assert (refused.status_code, state(world, order)) == (409, "APPROVED")
    prove(world, order, "HANDED_IN")
    assert prove(world, order, "FAILED") == "FAILED"
    require_kept(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_failed")


@pytest.mark.parametrize("bank", ON_PAPER)
def test_an_officer_transfers_it_to_the_account_that_was_told(world: World, bank: str) -> None:
    order = a_paid_order(world, bank, "paper")
    assert propose(world, order)["route"] == "TRANSFER"
    assert approve(world, order) == "TRANSFER"
    assert send(world) == 0
    paper = world.officer.get(f"{address(order)}/voucher").json()
    assert (paper["form"], paper["payment"]["bank"]) == ("TRANSFER", bank)
    assert (paper["payee"] is not None) == (bank in TELL_THE_ACCOUNT)
    assert prove(world, order, "HANDED_IN") == "HANDED_IN"
    assert (world.order(order)["status"], in_clearing(world, order)) == ("PAID", AMOUNT)
    assert prove(world, order, "RETURNED") == "SUCCEEDED"
    require_returned(world, order)
    require_told(world, order, "refund_proposed", "refund_approved", "refund_succeeded")


def test_what_could_not_be_sent_for_want_of_an_account_is_transferred(world: World) -> None:
    order = world.an_order(AMOUNT, "HT-PAYOS-NAMELESS")
    follow(world, "payos", world.started(order, "payos"), "silent")
    night(world, "payos")  # the statement tells of the money, and not whose it was
    propose(world, order)
    assert approve(world, order) == "BANK"
    assert send(world) == 1
    shown = world.officer.get(address(order)).json()
    assert (shown["state"], shown["payee"]) == ("FAILED", None)
    assert shown["history"][-1]["code"].startswith("not sent")
    require_kept(world, order)
    assert world.simulators is not None
    account = payers_account(world.simulators.banks["payos"].book.payments()[-1])
    propose(world, order, refund_id="R2", payee={"number": account, "bank": PAYERS_BANK})
    assert approve(world, order, "R2") == "TRANSFER"
    paper = world.officer.get(f"{address(order, 'R2')}/voucher").json()
    assert (paper["payee"]["number"], paper["payee"]["bank"]) == (account, PAYERS_BANK)
    prove(world, order, "HANDED_IN", "R2")
    prove(world, order, "RETURNED", "R2")
    require_returned(world, order)
    assert refunds_at_bank(world, "payos") == []
