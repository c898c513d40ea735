"""The operators' commands about the night: ``flask --app wsgi hub night ...``."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Final

import click
from flask.cli import AppGroup

from payment_hub.commands.group import exit_on_refusal, operator
from payment_hub.domain.calendar import business_day
from reconciliation.current import current_books
from reconciliation.domain.runs import RunState, Scope
from reconciliation.operations.discrepancies import list_discrepancies
from reconciliation.operations.runs import collect_and_reconcile, export_report, list_runs, plan_night

DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.group("night", cls=AppGroup)
def night() -> None:
    """Compare the hub's books with the banks' statements and the agencies' ledgers."""


@night.command("run")
@click.option("--day", type=DAY, help="Business day; yesterday without it.")
@exit_on_refusal
def run_command(day: datetime | None) -> None:
    """Compare all books of a day now, here and not in a worker. Exit code 1 when a comparison failed."""
    books = current_books()
    requested = day.date() if day else business_day(books.now()) - timedelta(days=1)
    failed = False
    for scope, _ in plan_night(books, day=requested):
        try:
            number = collect_and_reconcile(books, scope=Scope.parse(scope), day=requested, by=operator().name)
            click.echo(f"{scope:<24} run {number}")
        except Exception as error:  # noqa: BLE001 (one pair of books must not stop the others; the run says why)
            failed = True
            click.echo(f"{scope:<24} failed: {type(error).__name__} {error}", err=True)
    sys.exit(1 if failed else 0)


@night.command("runs")
@click.option("--state", type=click.Choice([*RunState]))
@exit_on_refusal
def runs_command(state: str | None) -> None:
    """List the latest runs."""
    page = list_runs(current_books(), caller=operator(), state=RunState(state) if state else None)
    for run in page.items:
        click.echo(f"{run.number:>6}  {run.day}  {run.scope:<24} {run.state}")


@night.command("discrepancies")
@exit_on_refusal
def discrepancies_command() -> None:
    """List what does not agree, with a sentence for each. Exit code 1 when there is anything."""
    page = list_discrepancies(current_books(), caller=operator())
    for discrepancy in page.items:
        click.echo(
            f"{discrepancy.number:>6}  {discrepancy.state:<9} {discrepancy.finding.explained('en').what}"
        )
    sys.exit(1 if page.items else 0)


@night.command("report")
@click.argument("run", type=int)
@exit_on_refusal
def report_command(run: int) -> None:
    """Print the report of a run as CSV."""
    click.echo(export_report(current_books(), caller=operator(), run=run, form="csv"), nl=False)
