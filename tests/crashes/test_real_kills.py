"""Real processes, really killed, at moments of chance."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from payment_hub.hub import Hub
from payment_hub.operations.callbacks import IN_HAND, receive_callback, rejudge_callbacks
from tests.conftest import StoppedClock
from tests.crashes.victim import callback_of
from tests.worlds.banks import sandbox_adapter, with_banks
from tests.worlds.database import balances, count, scalar
from tests.worlds.orders import a_portal, an_agency, an_order

KILLS = 20
ORDERS = 40


@pytest.mark.deep
def test_a_process_killed_at_any_moment_loses_no_payment_and_doubles_none(
    hub: Hub, clock: StoppedClock
) -> None:
    hub = with_banks(hub, sandbox=sandbox_adapter())
    agency, portal = an_agency(hub), a_portal(hub)
    endings: Counter[bool] = Counter()
    for done in range(1, KILLS + 1):
        references = [an_order(hub, agency, portal)["reference"] for _ in range(ORDERS)]
        paid_before_the_end = _kill_among(hub, references)
        endings[0 < paid_before_the_end < ORDERS] += 1
        sent = clock.moment
        clock.moment += IN_HAND
        rejudge_callbacks(hub)
        for reference in references:
            assert receive_callback(hub, bank="sandbox", request=callback_of(reference, sent)).status == 200
        assert balances(hub) == {
            "BANK_CLEARING": -done * ORDERS * 150_000,
            "AGENCY_PAYABLE": done * ORDERS * 150_000,
        }
        assert count(hub, "receipt") == done * ORDERS
    assert endings[True] > 0, "no kill fell among the payments"


def _kill_among(hub: Hub, references: list[str]) -> int:
    """Kill a process while it receives these payments; how many it had recorded."""
    before = count(hub, "receipt")
    url = hub.engine.url.render_as_string(hide_password=False)
    asked = [sys.executable, "-m", "tests.crashes.victim", url, hub.now().isoformat(), *references]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0, 0.3))
        victim.send_signal(signal.SIGKILL)
    while scalar(
        hub, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    ):
        time.sleep(0.01)
    return count(hub, "receipt") - before
