"""Commands about agencies, portals and their keys."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from payment_hub.commands.group import exit_on_refusal, hub_commands
from payment_hub.current import current_hub
from payment_hub.domain.access import Role, Scope
from payment_hub.domain.settlement import LatePolicy
from payment_hub.operations.access import add_agency, add_portal, list_keys, make_key, revoke_key
from payment_hub.operations.routing import prefer_banks
from payment_hub.operations.webhooks import rotate_webhook_key


@hub_commands.command("add-agency")
@click.argument("code")
@click.argument("name")
@click.option("--account-number", required=True, help="Account that the money is for.")
@click.option("--account-bank", required=True, help="6-digit BIN of the bank that keeps it.")
@click.option("--account-name", required=True)
@click.option("--receipt-series", required=True, help="Receipt symbol such as AA26E.")
@click.option("--receipt-template", default="01BLP", show_default=True)
@click.option("--late-policy", type=click.Choice([*LatePolicy]), default=LatePolicy.ACCEPT, show_default=True)
@click.option("--part-payments", is_flag=True, help="Book part payments to the agency at once.")
@click.option(
    "--bank", "bank_preference", multiple=True, help="A bank that it prefers; repeat for the next one."
)
@click.option("--tax-code")
@click.option("--address")
@exit_on_refusal
def add_agency_command(
    code: str, name: str, late_policy: str, bank_preference: tuple[str, ...], **more: str
) -> None:
    """Add an agency to which money is owed."""
    add_agency(current_hub(), code=code, name=name, late_policy=LatePolicy(late_policy), **more)  # type: ignore[arg-type]
    prefer_banks(current_hub(), agency=code, banks=bank_preference)
    click.echo(f"agency {code} added")


@hub_commands.command("add-portal")
@click.argument("code")
@click.argument("name")
@click.option(
    "--webhook-url", help="Where signed webhooks go; https, or this machine if the settings allow it."
)
@exit_on_refusal
def add_portal_command(code: str, name: str, webhook_url: str | None) -> None:
    """Add a portal that issues orders for citizens."""
    add_portal(current_hub(), code=code, name=name, webhook_url=webhook_url)
    click.echo(f"portal {code} added")


@hub_commands.command("make-key")
@click.argument("role", type=click.Choice([role.lower() for role in Role]))
@click.argument("holder")
@click.option("--agency", help="Code of the agency that the key is bound to.")
@click.option("--portal", help="Code of the portal that the key is bound to.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([*Scope]), help="Instead of the role's usual ones."
)
@click.option("--expires-on", type=click.DateTime(["%Y-%m-%d"]), help="Last day, UTC.")
@exit_on_refusal
def make_key_command(
    role: str,
    holder: str,
    agency: str | None,
    portal: str | None,
    scopes: tuple[str, ...],
    expires_on: datetime | None,
) -> None:
    """Make an API key. It is shown this once, and stored only as a hash."""
    key = make_key(
        current_hub(),
        role=Role(role.upper()),
        holder=holder,
        agency_code=agency,
        portal_code=portal,
        scopes=[Scope(scope) for scope in scopes] or None,
        expires_at=expires_on and expires_on.replace(tzinfo=UTC),
    )
    click.echo(key)


@hub_commands.command("list-keys")
@exit_on_refusal
def list_keys_command() -> None:
    """List all keys with their last use, without their secrets."""
    for key in list_keys(current_hub()):
        bound_to = key.agency or key.portal or "-"
        state = (
            "revoked"
            if key.revoked_at
            else "expires " + f"{key.expires_at:%F}"
            if key.expires_at
            else "valid"
        )
        used = f"{key.last_used_at:%F %H:%M} UTC" if key.last_used_at else "never"
        click.echo(
            f"{key.lookup:<14}{key.role.lower():<10}{bound_to:<16}{state:<20}last used {used}  {key.holder}"
        )


@hub_commands.command("revoke-key")
@click.argument("lookup")
@exit_on_refusal
def revoke_key_command(lookup: str) -> None:
    """Revoke the key with this public half."""
    revoke_key(current_hub(), lookup=lookup)
    click.echo(f"key {lookup} revoked")


@hub_commands.command("rotate-webhook-key")
@click.argument("portal")
@exit_on_refusal
def rotate_webhook_key_command(portal: str) -> None:
    """Give a portal a new webhook secret; the one before goes on signing beside it."""
    keys = rotate_webhook_key(current_hub(), portal=portal)
    click.echo(f"secret (v1, version {keys.version}): {keys.secret}")
    for key in keys.public_keys:
        click.echo(f"public key (v1a): {key}")
