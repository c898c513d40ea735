"""The operators' door: what each command says, and with which exit code."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner

from payment_hub.domain.calendar import business_day
from payment_hub.hub import utc_now
from tests.journeys.conftest import World, world

__all__ = ["world"]


@pytest.fixture
def hub(world: World) -> Any:
    """``hub("banks")`` runs one command."""
    runner = FlaskCliRunner(world.app)

    def run(*words: str) -> Result:
        return runner.invoke(args=["hub", *words])

    return run


AGENCY = ["--account-number", "7111000000001", "--account-bank", "970436", "--account-name", "KBNN"]


def test_agencies_portals_and_keys_are_added_listed_and_revoked(hub: Any) -> None:
    assert (
        hub("add-agency", "G12", "Hospital", "--receipt-series", "BV26E", *AGENCY).output
        == "agency G12 added\n"
    )
    again = hub("add-agency", "G12", "Hospital", "--receipt-series", "BV26E", *AGENCY)
    assert (again.exit_code, "agency G12 exists" in again.output) == (1, True)
    assert hub("add-portal", "city", "City portal").exit_code == 0
    key = hub(
        "make-key", "agency", "system of G12", "--agency", "G12", "--expires-on", "2099-12-31"
    ).output.strip()
    lookup = key.split("_")[1]
    assert lookup in hub("list-keys").output
    assert hub("revoke-key", lookup).exit_code == 0
    assert "revoked" in next(line for line in hub("list-keys").output.splitlines() if lookup in line)
    assert hub("revoke-key", "nobody").exit_code == 1


def test_a_portals_webhook_secret_is_rotated(hub: Any) -> None:
    told = hub("rotate-webhook-key", "dvc")
    assert (told.exit_code, "whsec_" in told.output, "whpk_" in told.output) == (0, True, True)
    assert hub("rotate-webhook-key", "nobody").exit_code == 1


def test_the_books_are_shown_checked_and_corrected(world: World, hub: Any) -> None:
    order = world.an_order(500_000)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    assert hub("check-invariants").output == "all invariants hold\n"
    balance = hub("trial-balance", "--from", "2020-01-01", "--to", "2099-12-31").output
    assert "AGENCY_PAYABLE" in balance
    assert "500000" in balance
    assert hub("reverse-posting", "1", "--reason", "booked twice").output == "reversed by posting 2\n"
    assert hub("reverse-posting", "1", "--reason", "booked twice").exit_code == 1
    assert hub("reverse-posting", "99", "--reason", "no such").exit_code == 1
    assert hub("banks").output == "sandbox\nvnpay\n"
    assert hub("migrate").exit_code == 0
    assert hub("openapi").output.startswith("{")


def test_the_night_can_be_run_by_hand(world: World, hub: Any) -> None:
    order = world.an_order(500_013)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    day = business_day(utc_now()).isoformat()
    ran = hub("night", "run", "--day", day)
    assert "bank:sandbox" in ran.output
    assert "COMMITTED" in hub("night", "runs").output
    found = hub("night", "discrepancies")
    assert (found.exit_code, "does not have it" in found.output) == (1, True)
    assert hub("night", "report", "1").output.count("\n") > 1
    assert hub("night", "report", "999").exit_code == 1


@pytest.mark.parametrize("words", [[], ["night"], ["add-agency"], ["night", "run"], ["trial-balance"]])
def test_every_command_explains_itself(hub: Any, words: list[str]) -> None:
    told = hub(*words, "--help")
    assert (told.exit_code, "Usage:" in told.output) == (0, True)


def test_a_wrong_option_is_exit_code_two(hub: Any) -> None:
    assert hub("trial-balance", "--from", "yesterday", "--to", "today").exit_code == 2
