"""The paper of a refund that no bank's message carries: the Treasury's refund voucher, or a transfer order.

The field list of the Treasury's form (Circular 84/2016/TT-BTC and the older C1-04/NS) could not be read at its source.
The fields are those of the payment form C1-02/NS in the other direction; ``uncertain`` names the fields that must be
compared with the form in force before the paper is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from payment_hub.domain.money import VND, Money, wire_money
from payment_hub.domain.orders import OrderView
from payment_hub.domain.receipts import amount_in_words
from payment_hub.domain.refunds.lifecycle import Route

#: What the voucher is called when it is no form of the Treasury's.
TRANSFER_ORDER: Final = "TRANSFER"

#: Filled in as the payment form has it; not compared with the refund form itself.
UNCERTAIN: Final = ("form", "treasury.chapter", "treasury.sub_item", "receipt")


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """What the paper states about an order's agency, obligation and account."""

    form: str
    agency_name: str
    tax_code: str | None
    payer_name: str
    identifiers: Mapping[str, Any]
    account_number: str
    account_bank: str
    account_name: str
    treasury_chapter: str | None
    treasury_sub_item: str | None


class RefundTerms(Protocol):
    """The refund that the paper is for, as it was approved."""

    reference: str
    amount: int
    reason: str
    note: str
    payee: dict[str, Any] | None
    proposed_by: str
    approved_by: str | None


def voucher_of(
    route: Route,
    order: OrderView,
    facts: VoucherFacts,
    payment: Mapping[str, Any],
    refund: RefundTerms,
    on: date,
) -> dict[str, Any]:
    """The paper's data as it is stored and shown. ``payment`` is the bank transaction as the paper shows it."""
    treasury = route is Route.TREASURY
    amount = Money(refund.amount, order.required.currency)
    return {
        "form": facts.form if treasury else TRANSFER_ORDER,
        "uncertain": list(UNCERTAIN) if treasury else [],
        "reference": refund.reference,
        "made_on": on.isoformat(),
        "order": order.reference,
        "receipt": order.receipt,
        "payer_name": facts.payer_name,
        "payee": refund.payee,
        "agency": {"agency": order.agency, "agency_name": facts.agency_name, "tax_code": facts.tax_code},
        "obligation": {"reference": order.obligation_reference, "kind": order.kind},
        "identifiers": facts.identifiers,
        "description": order.description,
        # The Treasury account that received the money, with its place in the budget.
        "treasury": {
            "account_number": facts.account_number,
            "bank": facts.account_bank,
            "account_name": facts.account_name,
            "chapter": facts.treasury_chapter,
            "sub_item": facts.treasury_sub_item,
        }
        if treasury
        else None,
        "payment": payment,
        "amount": wire_money(amount),
        "amount_in_words": amount_in_words(amount) if amount.currency == VND else str(amount),
        "reason": refund.reason,
        "note": refund.note,
        "proposed_by": refund.proposed_by,
        "approved_by": refund.approved_by,
    }
