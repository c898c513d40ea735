"""The operators' commands about banks: what each says, and with which exit code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner

from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.web.conftest import an_app
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

AGENCY = ["--account-number", "7111000000001", "--account-bank", "970436", "--account-name", "KBNN"]


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank(code="other"))


@pytest.fixture
def command(hub: Hub) -> Any:
    """``command("bank", "health")`` runs one."""
    runner = FlaskCliRunner(an_app(hub))

    def run(*words: str) -> Result:
        return runner.invoke(args=["hub", *words])

    return run


def an_order_of(hub: Hub, code: str = "G22.99") -> str:
    return str(an_order(hub, an_agency(hub, code), a_portal(hub, f"portal-{code}"))["reference"])


def start(hub: Hub, reference: str, bank: str | None = None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def line(result: Result, beginning: str) -> str:
    return next(text for text in result.output.splitlines() if text.startswith(beginning))


def test_health_is_shown_for_each_operation_with_what_is_unknown(
    hub: Hub, command: Any, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    reference = an_order_of(hub)
    with pytest.raises(BankUnavailable):
        start(hub, reference, "standin")
    shown = command("bank", "health")
    assert shown.exit_code == 0
    assert line(shown, "standin             open").split()[2:5] == ["closed", "1", "failures"]
    assert "always" in line(shown, "other               query")
    assert "1 unknown now, 0 with an officer; 0 resolved" in shown.output
    clock.advance(seconds=40)
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    assert "1 resolved in a day, half of them within 40 s, 1 in time" in command("bank", "health").output


def test_unresolved_attempts_are_listed_and_those_reported_without_proof(
    hub: Hub, command: Any, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    with pytest.raises(BankUnavailable):
        start(hub, an_order_of(hub), "standin")
    needs_inquiry = replace(hub, terms={"other": BankTerms(trust=Trust.INQUIRY)})
    reported = an_order_of(hub, "H55")
    start(needs_inquiry, reported, "other")
    receive(needs_inquiry, confirmation(f"{reported}-1", bank="other"))
    shown = command("bank", "unresolved").output.splitlines()
    assert ("unknown, since 2026-03-02 10:00, asked 0 times" in shown[0], "not confirmed" in shown[1]) == (
        True,
        True,
    )
    assert command("bank", "unresolved", "--overdue").output == ""
    clock.advance(hours=26)
    query_pending(hub)
    assert command("bank", "unresolved", "--overdue").output.count("with an officer") == 2


def test_the_last_use_of_each_key_is_shown(hub: Hub, command: Any, clock: StoppedClock) -> None:
    reference = an_order_of(hub)
    receive(hub, confirmation(reference, bank="standin", key=1))
    clock.advance(minutes=5)
    receive(hub, confirmation(reference, bank="standin", key=0))
    shown = command("bank", "keys")
    assert line(shown, "standin").split("current ")[1].split() == [
        *("2026-03-02", "10:05"),
        *("before", "2026-03-02", "10:00"),
    ]
    assert "not lately" in line(shown, "other")
    assert "never" in line(shown, "other")


def test_a_downtime_is_announced_in_hub_time_listed_and_cancelled(command: Any) -> None:
    when = ["--from", "2026-03-02T22:00", "--until", "2026-03-03 02:00"]
    added = command("bank", "downtime", "add", "standin", *when, "--reason", "new core", "--by", "its desk")
    assert added.output == "downtime 1 announced\n"
    listed = command("bank", "downtime", "list").output
    assert "2026-03-02 22:00 - 2026-03-03 02:00  new core (its desk)" in listed
    assert command("bank", "downtime", "cancel", "1", "--by", "its desk").exit_code == 0
    assert command("bank", "downtime", "list").output == ""
    again = command("bank", "downtime", "cancel", "1", "--by", "its desk")
    assert (again.exit_code, "downtime 1" in again.output) == (1, True)


@pytest.mark.parametrize(
    ("bank", "when"),
    [
        ("nobank", ["--from", "2026-03-02T22:00", "--until", "2026-03-03T02:00"]),
        ("standin", ["--from", "2026-03-03T02:00", "--until", "2026-03-02T22:00"]),
        ("standin", ["--from", "2026-03-01T02:00", "--until", "2026-03-01T22:00"]),
    ],
)
def test_a_downtime_that_makes_no_sense_is_refused(command: Any, bank: str, when: list[str]) -> None:
    refused = command("bank", "downtime", "add", bank, *when, "--reason", "so", "--by", "us")
    assert refused.exit_code == 1


def test_an_agency_prefers_banks_and_the_routing_is_explained(hub: Hub, command: Any) -> None:
    added = command("add-agency", "G12", "Hospital", "--receipt-series", "BV26E", *AGENCY, "--bank", "other")
    assert added.exit_code == 0
    assert scalar(hub, "SELECT bank_preference FROM agency") == ["other"]
    reference = an_order_of(hub)
    assert command("bank", "prefer", "G22.99", "other", "standin").exit_code == 0
    start(hub, reference)
    explained = command("bank", "routing", reference).output
    assert f"{reference}-1  Trong 2 ngân hàng, chọn other vì cơ quan thu ưu tiên" in explained
    assert "because the agency prefers it" in explained
    assert command("bank", "prefer", "G22.99", "nobank").exit_code == 1
