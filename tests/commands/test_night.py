"""Commands about the night."""

from __future__ import annotations

from typing import Any

from payment_hub.domain.calendar import business_day
from payment_hub.hub import utc_now
from tests.journeys.conftest import World


def test_the_night_can_be_run_by_hand(world: World, run: Any) -> None:
    order = world.an_order(500_013)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    day = business_day(utc_now()).isoformat()
    ran = run("night", "run", "--day", day)
    assert "bank:sandbox" in ran.output
    assert "COMMITTED" in run("night", "runs").output
    result = run("night", "discrepancies")
    assert (result.exit_code, "does not have it" in result.output) == (1, True)
    assert run("night", "report", "1").output.count("\n") > 1
    assert run("night", "report", "999").exit_code == 1
