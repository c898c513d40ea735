"""The acceptance kit: a good bank passes every check, a bad one fails every one, and nothing is passed untried."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result
from flask.testing import FlaskCliRunner
from sqlalchemy import Engine

from bank_adapters.simulators.simulator import Payment, Simulator, WireRequest
from payment_hub.commands.conformance import HttpSimulatorClient
from payment_hub.domain.banks.conformance import (
    CHECKS,
    CheckResult,
    ConformanceReport,
    Mark,
    NotAsExpected,
    SimulatorMessage,
)
from payment_hub.domain.errors import BankNotFound
from payment_hub.domain.payments import AttemptView
from payment_hub.hub import Hub
from payment_hub.operations.conformance import run_conformance
from payment_hub.operations.health import check_invariants
from tests.conftest import emptied
from tests.journeys.conftest import World, world_of
from tests.rules.rule import REPO
from tests.simulators.listener import listening
from tests.simulators.mekong import MekongSimulator

ALL = [check.name for check in CHECKS]

#: What the simulator does instead of what it is asked, so that each check has something to find.
OTHERWISE = {
    "silent": "undecided",
    "pay": "altered",
    "decline": "pay",
    "late": "silent",
    "twice": "pay",
    "altered": "pay",
    "stale": "pay",
    "wrong_amount": "pay",
    "unknown_order": "pay",
    **dict.fromkeys(("slow", "hang_up", "error_500", "garbage"), "normal"),
}


class MuteSimulator(MekongSimulator):
    """A bank that tells nothing, and whose messages would prove nothing."""

    name = "mute"
    dated = False
    signed = False

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        return []


class StubbornSimulatorClient(HttpSimulatorClient):
    """Does everything otherwise."""

    def pay(self, attempt: AttemptView, choice: str) -> list[SimulatorMessage]:
        return super().pay(attempt, OTHERWISE[choice])

    def set_mode(self, mode: str) -> int:
        return super().set_mode(OTHERWISE.get(mode, mode))


@pytest.fixture(scope="module")
def world(migrated: Engine, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A trial hub with two made-up banks."""
    emptied(migrated)
    simulators: list[type[Simulator]] = [MekongSimulator, MuteSimulator]
    folder = tmp_path_factory.mktemp("kit")
    with world_of(simulators, database_url, folder, pace=1000) as everybody:
        everybody.app.config["SANDBOX"] = True
        assert everybody.simulators is not None
        everybody.simulators.slow_seconds = 1.2
        yield everybody


def at(world: World, simulator: str) -> str:
    """The bank's own address."""
    assert world.simulators is not None
    return f"{world.simulators.url}/{simulator}"


def played(
    hub: Hub, bank: str, simulator: HttpSimulatorClient | None
) -> tuple[ConformanceReport, dict[str, CheckResult]]:
    """The report, and its checks by name."""
    results: list[CheckResult] = []
    report = run_conformance(hub, bank=bank, simulator=simulator, done=results.append)
    assert results == list(report.results)
    return report, {one.check.name: one for one in report.results}


def test_a_bank_that_does_all_as_it_should_passes_every_check(world: World) -> None:
    report, results = played(world.hub, "mekong", HttpSimulatorClient(at(world, "mekong")))
    assert {name: one.mark for name, one in results.items()} == dict.fromkeys(ALL, Mark.PASSED), results
    assert not report.failed
    assert "PAID" in results["query"].seen
    assert results["slow"].milliseconds >= 1000
    assert check_invariants(world.hub) == []


def test_every_check_finds_the_bank_that_does_otherwise(world: World) -> None:
    report, results = played(world.hub, "mekong", StubbornSimulatorClient(at(world, "mekong")))
    failed = [name for name, one in results.items() if one.mark is Mark.FAILED]
    assert failed == [name for name in ALL if name != "open"], results
    assert report.failed
    assert check_invariants(world.hub) == []


def test_a_bank_that_does_not_open_payments_fails_where_one_is_needed(world: World) -> None:
    simulator = HttpSimulatorClient(at(world, "mekong"))
    simulator.set_mode("error_500")
    try:
        _, results = played(world.hub, "mekong", None)
    finally:
        simulator.set_mode("normal")
    assert results["open"].mark is Mark.FAILED
    assert "BankUnavailable" in results["open"].seen


def test_what_a_bank_does_not_have_is_not_applicable_and_never_passed(world: World) -> None:
    _, results = played(world.hub, "mute", HttpSimulatorClient(at(world, "mute")))
    untold = {"decline", "late", "duplicate", "altered", "stale", "unknown_order"}
    assert {name for name in untold if results[name].mark is not Mark.NOT_APPLICABLE} == set()
    assert "not signed" in results["altered"].seen
    assert "no time" in results["stale"].seen
    assert results["good"].mark is Mark.FAILED
    assert results["query"].mark is Mark.PASSED


def test_without_a_simulator_only_our_own_questions_are_tried(world: World) -> None:
    _, results = played(world.hub, "mekong", None)
    tried = {name for name, one in results.items() if one.mark is not Mark.NOT_APPLICABLE}
    assert tried == {"open", "query"}
    assert "no address" in results["good"].seen


def test_an_unknown_bank_is_refused(world: World) -> None:
    with pytest.raises(BankNotFound):
        played(world.hub, "nobody", None)


def test_a_simulator_that_talks_nonsense_is_found_out(world: World) -> None:
    with listening() as stranger, pytest.raises(NotAsExpected, match="without a JSON object"):
        HttpSimulatorClient(stranger.url).set_mode("slow")


@pytest.fixture
def kit(world: World) -> Any:
    """``kit("mekong")`` runs the command."""

    def run(*words: str) -> Result:
        return FlaskCliRunner(world.app).invoke(args=["hub", "conformance", *words])

    return run


def test_the_command_prints_every_check_and_writes_the_report(world: World, kit: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    result = kit("mekong", "--url", at(world, "mekong"), "--report", str(file))
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ALL
    report = json.loads(file.read_text())
    assert (report["bank"], report["protocol"]) == ("mekong", "The hub's open protocol")
    declared = tomllib.loads((REPO / "pyproject.toml").read_text())
    assert report["hub_version"] == declared["project"]["version"]
    assert report["started"].endswith("Z")
    assert [check["name"] for check in report["checks"]] == ALL
    assert {check["result"] for check in report["checks"]} == {"passed"}
    assert set(report["checks"][0]) == {"name", "meaning", "result", "expected", "seen", "milliseconds"}


def test_the_command_fails_with_the_kit(world: World, kit: Any) -> None:
    result = kit("mute", "--url", at(world, "mute"))
    assert result.exit_code == 1
    assert "good          failed" in result.output


def test_the_command_refuses_a_hub_that_is_no_trial(world: World, kit: Any) -> None:
    world.app.config["SANDBOX"] = False
    try:
        result = kit("mekong")
    finally:
        world.app.config["SANDBOX"] = True
    assert (result.exit_code, "HUB_SANDBOX=1" in result.output) == (1, True)


def test_the_simulator_counts_what_it_is_asked(world: World) -> None:
    before = HttpSimulatorClient(at(world, "mekong")).set_mode("normal")
    requests.get(f"{at(world, 'mekong')}/payments/nothing", timeout=5)
    assert HttpSimulatorClient(at(world, "mekong")).set_mode("normal") == before + 1
