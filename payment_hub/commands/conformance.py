"""The conformance command, and how it reaches a bank's simulator: over HTTP, see ``bank_adapters/simulators``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import requests
from flask import current_app

from payment_hub.commands.group import exit_on_refusal, hub_commands
from payment_hub.current import current_hub
from payment_hub.domain.banks.conformance import (
    CHECKS,
    CheckResult,
    ConformanceReport,
    NotApplicable,
    NotAsExpected,
    SimulatorMessage,
)
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.wire import to_wire
from payment_hub.operations.conformance import run_conformance

_SECONDS: Final = 20
"""How long the bank may take to tell us what it owes."""
_JSON: Final = {"Accept": "application/json"}


class HttpSimulatorClient:
    """One bank, at its own address on the simulator."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def pay(self, attempt: AttemptView, choice: str) -> list[SimulatorMessage]:
        """Follow the instructions, and wait until every callback is delivered, or one is not accepted."""
        payment = self._followed(attempt, choice)
        deadline = time.monotonic() + _SECONDS
        while payment["pending"] and all(one["accepted"] for one in payment["deliveries"]):
            if time.monotonic() > deadline:
                raise NotAsExpected(f"the bank still owes us a message after {_SECONDS} s")
            time.sleep(0.02)
            payment = _read(requests.get(self._page(payment["reference"]), headers=_JSON, timeout=_SECONDS))
        return [
            SimulatorMessage(delivery["status"], delivery["body"], delivery["accepted"])
            for delivery in payment["deliveries"]
        ]

    def set_mode(self, mode: str) -> int:
        """How its own interface answers from now on."""
        return int(self._post(f"{self._url}/mode", {"mode": mode})["requests"])

    def _followed(self, attempt: AttemptView, choice: str) -> dict[str, Any]:
        if attempt.instructions.page_url:
            page = requests.get(attempt.instructions.page_url, timeout=_SECONDS)
            if page.status_code != requests.codes.ok:
                raise NotAsExpected(f"the bank's page answers {page.status_code}")
            return self._post(page.url, {"choice": choice})
        if attempt.instructions.qr_text:
            return self._post(
                f"{self._url}/transfer", {"qr_text": attempt.instructions.qr_text, "choice": choice}
            )
        if attempt.instructions.bill_code:
            return self._post(
                f"{self._url}/bill", {"bill_code": attempt.instructions.bill_code, "choice": choice}
            )
        raise NotAsExpected("the instructions cannot be followed here: no page, no QR text, no bill code")

    def _page(self, reference: str) -> str:
        return f"{self._url}/pay/{quote(reference, safe='')}"

    def _post(self, address: str, requested_bank: Mapping[str, str]) -> dict[str, Any]:
        return _read(requests.post(address, data=requested_bank, headers=_JSON, timeout=_SECONDS))


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        parsed = answer.json()
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise NotAsExpected(
            f"the simulator answers {answer.status_code} without a JSON object at {answer.url}"
        )
    if "not_offered" in parsed:
        raise NotApplicable(str(parsed["not_offered"]))
    if answer.status_code != requests.codes.ok:
        raise NotAsExpected(f"the simulator answers {answer.status_code}: {parsed}")
    return parsed


@hub_commands.command("conformance")
@click.argument("bank")
@click.option("--url", help="The address of the bank's simulator, where everything can be provoked.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where the JSON report is written."
)
@exit_on_refusal
def conformance_command(bank: str, url: str | None, report: Path | None) -> None:
    """Try BANK before it takes money. Exit code 1 when a check failed.

    The hub must be a trial (HUB_SANDBOX=1) and running where HUB_PUBLIC_URL says, so that the bank can call it: the
    checks make orders. Without --url only what the hub asks by itself is tried, which any bank's test endpoint can
    answer.
    """
    if not current_app.config["SANDBOX"]:
        click.echo(
            "This hub is no trial: the checks make orders, so they run with HUB_SANDBOX=1 only.", err=True
        )
        sys.exit(1)
    report_of_bank = _run(bank, HttpSimulatorClient(url) if url else None)
    for result in report_of_bank.results:
        click.echo(_line(result))
    if report is not None:
        report.write_text(
            json.dumps(to_wire(report_of_bank), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
    if report_of_bank.failed:
        sys.exit(1)


def _run(bank: str, simulator: HttpSimulatorClient | None) -> ConformanceReport:
    """The checks, with a bar that shows which check has just ended."""

    def name(result: CheckResult | None) -> str:
        return result.check.name if result else ""

    hub = current_hub()
    with click.progressbar(length=len(CHECKS), label=bank, file=sys.stderr, item_show_func=name) as bar:
        return run_conformance(hub, bank=bank, simulator=simulator, done=lambda result: bar.update(1, result))


def _line(result: CheckResult) -> str:
    return f"{result.check.name:<14}{result.mark.value:<15}{result.milliseconds:>6} ms  {result.seen}"
