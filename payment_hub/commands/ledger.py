"""Commands about the schema, the invariants and the ledger."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from flask import current_app

from payment_hub.commands.group import exit_on_refusal, hub_commands, operator
from payment_hub.current import current_hub
from payment_hub.operations.health import check_invariants, migrate
from payment_hub.operations.ledger import reverse_posting, trial_balance
from payment_hub.web.api.openapi import openapi_text

DAY = click.DateTime(["%Y-%m-%d"])


@hub_commands.command("migrate")
@exit_on_refusal
def migrate_command() -> None:
    """Bring the database to the newest migration."""
    click.echo(f"the database is at {migrate(current_hub())}")


@hub_commands.command("banks")
@exit_on_refusal
def banks_command() -> None:
    """List the enabled banks."""
    for bank in current_hub().adapters:
        click.echo(bank)


@hub_commands.command("check-invariants")
@exit_on_refusal
def check_invariants_command() -> None:
    """Look for anything that must never be so. Exit code 1 when there is something, with the rows."""
    broken = check_invariants(current_hub())
    for violation in broken:
        click.echo(f"{violation.invariant}: it is not so that {violation.meaning}", err=True)
        for row in violation.rows:
            click.echo(f"    {row}", err=True)
    if broken:
        sys.exit(1)
    click.echo("all invariants hold")


@hub_commands.command("trial-balance")
@click.option("--from", "day_from", type=DAY, required=True)
@click.option("--to", "day_to", type=DAY, required=True)
@click.option("--agency")
@click.option("--bank")
@exit_on_refusal
def trial_balance_command(day_from: datetime, day_to: datetime, agency: str | None, bank: str | None) -> None:
    """What moved in every account, by day, agency and bank, in whole dong."""
    lines = trial_balance(
        current_hub(),
        caller=operator(),
        day_from=day_from.date(),
        day_to=day_to.date(),
        agency=agency,
        bank=bank,
    )
    click.echo(f"{'day':<11}{'agency':<16}{'bank':<10}{'account':<17}{'debit':>16}{'credit':>16}")
    for line in lines:
        where = f"{line.day:%Y-%m-%d} {line.agency or '-':<16}{line.bank or '-':<10}"
        click.echo(f"{where}{line.account:<17}{line.debit!s:>16}{line.credit!s:>16} {line.debit.currency}")


@hub_commands.command("reverse-posting")
@click.argument("posting", type=int)
@click.option("--reason", required=True)
@exit_on_refusal
def reverse_posting_command(posting: int, reason: str) -> None:
    """Reverse a posting by a mirror image, once."""
    click.echo(
        f"reversed by posting {reverse_posting(current_hub(), caller=operator(), posting_id=posting, reason=reason)}"
    )


@hub_commands.command("openapi")
def openapi_command() -> None:
    """Print the API's description (OpenAPI 3.1)."""
    click.echo(openapi_text(current_app), nl=False)
