"""Commands about the ledger and its invariants."""

from __future__ import annotations

from typing import Any

from tests.journeys.conftest import World


def test_the_ledger_is_shown_checked_and_corrected(world: World, run: Any) -> None:
    order = world.an_order(500_000)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    assert run("check-invariants").output == "all invariants hold\n"
    balance = run("trial-balance", "--from", "2020-01-01", "--to", "2099-12-31").output
    assert "AGENCY_PAYABLE" in balance
    assert "500000" in balance
    assert run("reverse-posting", "1", "--reason", "booked twice").output == "reversed by posting 2\n"
    assert run("reverse-posting", "1", "--reason", "booked twice").exit_code == 1
    assert run("reverse-posting", "99", "--reason", "no such").exit_code == 1
    assert run("banks").output == "sandbox\nvnpay\n"
    assert run("migrate").exit_code == 0
    assert run("openapi").output.startswith("{")
