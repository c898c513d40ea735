"""Commands about the acceptance kit of a bank."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask import current_app

from payment_hub.commands import hub_commands, says_refusals
from payment_hub.commands.far_end import HttpFarEnd
from payment_hub.current import current_hub
from payment_hub.domain.bank_kit import CHECKS, CheckResult, KitReport
from payment_hub.operations.play_bank_kit import play_bank_kit


@hub_commands.group("bank-kit")
def bank_kit() -> None:
    """Try a bank before it takes money."""


@bank_kit.command("run")
@click.argument("bank")
@click.option("--url", help="The bank's own address on the far side, where everything can be provoked.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where the JSON report is written."
)
@says_refusals
def run_command(bank: str, url: str | None, report: Path | None) -> None:
    """Play the acceptance kit with BANK. Exit code 1 when a check failed.

    The hub must be a trial (HUB_SANDBOX=1) and running where HUB_PUBLIC_URL says, so that the bank can call it: the kit
    makes orders. Without --url only what the hub asks by itself is tried, which any bank's test endpoint can answer.
    """
    if not current_app.config["SANDBOX"]:
        click.echo(
            "This hub is no trial: the kit makes orders, so it runs with HUB_SANDBOX=1 only.", err=True
        )
        sys.exit(1)
    played = _play(bank, HttpFarEnd(url) if url else None)
    for result in played.results:
        click.echo(_line(result))
    if report is not None:
        report.write_text(json.dumps(played.as_wire(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if played.failed:
        sys.exit(1)


def _play(bank: str, far_end: HttpFarEnd | None) -> KitReport:
    """The kit, with a bar that shows which check has just ended."""

    def name(result: CheckResult | None) -> str:
        return result.check.name if result else ""

    hub = current_hub()
    with click.progressbar(length=len(CHECKS), label=bank, file=sys.stderr, item_show_func=name) as bar:
        return play_bank_kit(hub, bank=bank, far_end=far_end, done=lambda result: bar.update(1, result))


def _line(result: CheckResult) -> str:
    return f"{result.check.name:<14}{result.mark.value:<15}{result.milliseconds:>6} ms  {result.seen}"
