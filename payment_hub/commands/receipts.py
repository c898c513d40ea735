"""Commands about receipts."""

from __future__ import annotations

from pathlib import Path

import click

from payment_hub.commands.group import exit_on_refusal, hub_commands, operator
from payment_hub.current import current_hub
from payment_hub.operations.receipts import fetch_bank_receipt


@hub_commands.command("bank-receipt")
@click.argument("order")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@exit_on_refusal
def bank_receipt_command(order: str, file: Path) -> None:
    """Fetch the bank's own receipt for ORDER and write the PDF to FILE, which must not exist yet."""
    receipt = fetch_bank_receipt(current_hub(), caller=operator(), reference=order)
    try:
        with file.open("xb") as written:
            written.write(receipt)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{len(receipt)} bytes written to {file}")
