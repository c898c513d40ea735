"""Many at the same moment and one breaker: every failure counts, and of all who might probe exactly one does."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from payment_hub.domain.banks.health import BankOperation, BreakerPolicy
from payment_hub.domain.banks.profile import BankTerms
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub, Memory
from payment_hub.operations.banks import call_bank
from tests.conftest import StoppedClock
from tests.races.crowd import CROWD, all_at_once, answers, refusals
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import rows, scalar

REST = timedelta(seconds=30)


@pytest.fixture
def hub(hub: Hub) -> Hub:
    terms = BankTerms(breaker=BreakerPolicy(failures=CROWD, open_for=REST))
    return replace(with_banks(hub, one=StandInBank()), terms={"one": terms})


def silent() -> str:
    raise BankUnavailable("no answer")


def ask(process: Hub, call: object) -> object:
    return call_bank(process, bank="one", operation=BankOperation.OPEN, call=call)  # type: ignore[arg-type]


def processes(hub: Hub) -> list[Hub]:
    """So many processes: each has a memory of its own."""
    return [replace(hub, memory=Memory()) for _ in range(CROWD)]


def test_no_failure_is_lost(hub: Hub, rounds: int) -> None:
    for _ in range(rounds):
        with hub.transaction() as session:
            session.execute(text("DELETE FROM bank_health"))
        results = all_at_once([partial(ask, process, silent) for process in processes(hub)])
        assert refusals(results) == ["BankUnavailable"] * CROWD
        assert rows(hub, "SELECT state, failures FROM bank_health") == [{"state": "OPEN", "failures": CROWD}]


def test_of_all_who_come_when_it_has_rested_one_asks(hub: Hub, clock: StoppedClock, rounds: int) -> None:
    for _ in range(rounds):
        all_at_once([partial(ask, process, silent) for process in processes(hub)])
        clock.moment += REST
        asked: list[int] = []
        all_refused = threading.Event()

        def probe(asked: list[int] = asked, waits: threading.Event = all_refused) -> str:
            asked.append(1)
            waits.wait(2)
            return "yes"

        results = all_at_once([partial(ask, process, probe) for process in processes(hub)])
        assert (len(asked), answers(results)) == (1, ["yes"])
        assert refusals(results) == ["CircuitOpen"] * (CROWD - 1)
        assert scalar(hub, "SELECT state FROM bank_health") == "CLOSED"
        clock.advance(minutes=10)


def test_of_two_real_processes_one_asks(hub: Hub, clock: StoppedClock) -> None:
    all_at_once([partial(ask, process, silent) for process in processes(hub)])
    clock.moment += REST
    url = hub.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.races.prober", url, clock().isoformat()]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=30)[0].strip() for process in started)
    assert said == ["CircuitOpen", "asked"]
