"""Commands about refunds and chargebacks."""

from __future__ import annotations

import click

from payment_hub.commands.group import exit_on_refusal, hub_commands, operator
from payment_hub.current import current_hub
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundState
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.decide import set_refund_rules
from payment_hub.operations.refunds.read import list_refunds


@hub_commands.command("set-refund-rules")
@click.argument("agency")
@click.option("--limit", type=int, help="The most, in dong, that an officer may approve; none without it.")
@click.option("--unseen", is_flag=True, help="Excess may be refunded before a statement shows it.")
@click.option(
    "--credited-after",
    type=int,
    default=1,
    show_default=True,
    help="Days after which money is with the agency; -1: never.",
)
@click.option("--voucher-form", default="C1-04/NS", show_default=True)
@exit_on_refusal
def set_refund_rules_command(
    agency: str, limit: int | None, unseen: bool, credited_after: int, voucher_form: str
) -> None:
    """Set an agency's refund rules, all four at once."""
    set_refund_rules(
        current_hub(),
        agency=agency,
        refund_limit=limit,
        refund_unseen=unseen,
        credited_after_days=None if credited_after == -1 else credited_after,
        voucher_form=voucher_form,
    )
    click.echo(f"refund rules of {agency} set")


@hub_commands.command("list-refunds")
@click.option("--state", type=click.Choice([*RefundState]), default=RefundState.PROPOSED, show_default=True)
@exit_on_refusal
def list_refunds_command(state: str) -> None:
    """List refunds in one state, newest first: by default those that wait for a decision."""
    page = list_refunds(current_hub(), caller=operator(), state=RefundState(state), limit=500)
    for view in page.items:
        who = f"{view.proposed_by or '-'} -> {view.approved_by or '-'}"
        click.echo(
            f"{view.reference}  {view.order_reference}  {view.amount!s:>14} {view.route:<9}{view.reason:<16}{who}"
        )


@hub_commands.command("record-chargeback")
@click.argument("bank")
@click.argument("bank_transaction_id")
@click.argument("amount", type=int)
@click.option(
    "--evidence", required=True, help="What proves it; a repetition with the same evidence changes nothing."
)
@exit_on_refusal
def record_chargeback_command(bank: str, bank_transaction_id: str, amount: int, evidence: str) -> None:
    """Record a chargeback: a bank took AMOUNT dong back by itself."""
    order = record_chargeback(
        current_hub(),
        bank=bank,
        bank_transaction_id=bank_transaction_id,
        amount=dong(amount),
        evidence=evidence,
        by=operator().name,
    )
    click.echo(f"order {order.reference} is {order.status}, {order.refundable} left")
