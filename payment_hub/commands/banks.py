"""Commands about banks: health, downtimes, keys, routing, and outcomes that are not known yet."""

from __future__ import annotations

from datetime import datetime

import click

from payment_hub.commands.group import exit_on_refusal, hub_commands, operator
from payment_hub.current import current_hub
from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.calendar import HUB_TIME
from payment_hub.domain.payments import OutcomeFigures
from payment_hub.operations.access import list_key_uses
from payment_hub.operations.banks import announce_downtime, cancel_downtime, list_downtimes, show_bank_health
from payment_hub.operations.health import measure_outcomes
from payment_hub.operations.payments.unresolved import list_unresolved
from payment_hub.operations.routing import explain_choices, prefer_banks
from payment_hub.web.texts import LANGUAGES

#: A moment in hub time, as an announcement names it.
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@hub_commands.group("bank")
def bank_commands() -> None:
    """Banks: health, downtimes, keys, routing, unresolved outcomes."""


@bank_commands.command("health")
@exit_on_refusal
def health_command() -> None:
    """Show whether each bank answers, and how long its outcomes stayed unknown in the last day."""
    for view in show_bank_health(current_hub()):
        state, away = view.health, f"  away until {_here(view.downtime_until)}" if view.downtime_until else ""
        since = f"since {_here(state.since)}" if state.since else "always"
        click.echo(
            f"{view.bank:<20}{view.operation.lower():<8}{state.state.lower():<10}"
            f"{state.failures:>3} failures  {since}{away}"
        )
    for figures in measure_outcomes(current_hub()):
        click.echo(_outcome_line(figures))


def _outcome_line(figures: OutcomeFigures) -> str:
    resolved = len(figures.waits)
    median = f", half of them within {figures.waits[resolved // 2]} s" if resolved else ""
    return (
        f"{figures.bank:<20}{figures.open} unknown now, {figures.overdue} with an officer; "
        f"{resolved} resolved in a day{median}, {figures.kept} in time"
    )


@bank_commands.command("unresolved")
@click.option("--overdue", is_flag=True, help="Only those that were escalated to an officer.")
@exit_on_refusal
def unresolved_command(overdue: bool) -> None:
    """List the attempts whose outcome is unknown, the oldest first."""
    for view in list_unresolved(current_hub(), caller=operator(), overdue=overdue, limit=500).items:
        awaiting = {"CONFIRMATION": "paid by callback, not confirmed", "CAPTURE": "held"}.get(
            view.awaiting or "", view.state.lower()
        )
        click.echo(
            f"{view.reference:<20}{view.bank:<20}{view.amount!s:>14}  {awaiting}, since {_here(view.unknown_at)}, "
            f"asked {view.queries} times{', with an officer' if view.escalated_at else ''}"
        )


@bank_commands.command("keys")
@exit_on_refusal
def keys_command() -> None:
    """Show when each bank last signed with its current key, and with the one before."""
    for use in list_key_uses(current_hub()):
        click.echo(
            f"{use.bank:<20}current {_here(use.current_at) if use.current_at else 'not lately':<18}"
            f"before {_here(use.previous_at) if use.previous_at else 'never'}"
        )


@bank_commands.command("prefer")
@click.argument("agency")
@click.argument("banks", nargs=-1)
@exit_on_refusal
def prefer_banks_command(agency: str, banks: tuple[str, ...]) -> None:
    """Set the banks that an agency prefers, the first before the second; without BANKS it prefers none."""
    prefer_banks(current_hub(), agency=agency, banks=banks)
    click.echo(f"agency {agency} prefers {', '.join(banks) or 'no bank'}")


@bank_commands.command("routing")
@click.argument("order")
@exit_on_refusal
def routing_command(order: str) -> None:
    """Explain why the attempts at an order went through their banks."""
    for attempt, reason in explain_choices(current_hub(), caller=operator(), reference=order).items():
        sentences = [texts.message(reason) for texts in LANGUAGES.values()]
        click.echo(f"{attempt}  " + f"\n{'':<{len(attempt)}}  ".join(sentences))


@bank_commands.group("downtime")
def downtime_commands() -> None:
    """Announced times in which a bank does not answer."""


@downtime_commands.command("add")
@click.argument("bank")
@click.option("--from", "starts_at", type=MOMENT, required=True, help="Hub time, such as 2026-03-02T22:00.")
@click.option("--until", "ends_at", type=MOMENT, required=True)
@click.option("--reason", required=True)
@click.option("--by", "announced_by", required=True, help="Who announced it.")
@click.option(
    "--operation", type=click.Choice([operation.lower() for operation in BankOperation]), help="Only this."
)
@exit_on_refusal
def add_downtime_command(
    bank: str, starts_at: datetime, ends_at: datetime, reason: str, announced_by: str, operation: str | None
) -> None:
    """Announce a downtime."""
    number = announce_downtime(
        current_hub(),
        bank=bank,
        starts_at=starts_at.replace(tzinfo=HUB_TIME),
        ends_at=ends_at.replace(tzinfo=HUB_TIME),
        reason=reason,
        announced_by=announced_by,
        operation=BankOperation(operation.upper()) if operation else None,
    )
    click.echo(f"downtime {number} announced")


@downtime_commands.command("list")
@exit_on_refusal
def list_downtimes_command() -> None:
    """List the downtimes that are not over."""
    for downtime in list_downtimes(current_hub()):
        click.echo(
            f"{downtime.id:>6}  {downtime.bank:<20}{(downtime.operation or 'everything').lower():<11}"
            f"{_here(downtime.starts_at)} - {_here(downtime.ends_at)}  {downtime.reason} ({downtime.announced_by})"
        )


@downtime_commands.command("cancel")
@click.argument("number", type=int)
@click.option("--by", "cancelled_by", required=True, help="Who announced it.")
@exit_on_refusal
def cancel_downtime_command(number: int, cancelled_by: str) -> None:
    """End a downtime now."""
    cancel_downtime(current_hub(), number=number, cancelled_by=cancelled_by)
    click.echo(f"downtime {number} cancelled")


def _here(moment: datetime) -> str:
    return f"{moment.astimezone(HUB_TIME):%F %H:%M}"
