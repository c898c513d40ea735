"""The paper by which money goes back where no bank's message does: the Treasury's refund voucher, or a transfer order.

Of the Treasury's form (Circular 84/2016/TT-BTC and the older C1-04/NS) the list of fields could not be read at its
source. What is filled in is what the payment form C1-02/NS asks for, turned around; ``uncertain`` names what must be
compared with the form in force before it is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from payment_hub.domain.money import VND, Money, wire_money
from payment_hub.domain.receipts import amount_in_words, receipt_number
from payment_hub.domain.refunds.eligibility import Collected
from payment_hub.domain.refunds.lifecycle import Route

#: What the voucher is called when it is no form of the Treasury's.
TRANSFER_ORDER: Final = "TRANSFER"

#: Filled in as the payment form has it; not compared with the refund form itself.
UNCERTAIN: Final = ("form", "treasury.chapter", "treasury.sub_item", "receipt")


def voucher_of(
    route: Route, order: Mapping[str, Any], collected: Collected, refund: Mapping[str, Any], on: date
) -> dict[str, Any]:
    """The paper's data as it is stored and shown. ``order`` is a row with the agency and the obligation's version,
    ``refund`` holds reference, amount, reason, note, payee, proposed_by and approved_by."""
    treasury = route is Route.TREASURY
    amount = Money(refund["amount"], order["currency"])
    receipt = order["receipt_serial"] and receipt_number(
        order["receipt_template_used"], order["receipt_series_used"], order["receipt_serial"]
    )
    return {
        "form": order["voucher_form"] if treasury else TRANSFER_ORDER,
        "uncertain": list(UNCERTAIN) if treasury else [],
        "reference": refund["reference"],
        "made_on": on.isoformat(),
        "order": order["reference"],
        "receipt": receipt,
        "payer_name": order["payer_name"],
        "payee": refund["payee"],
        "agency": {name: order[name] for name in ("agency", "agency_name", "tax_code")},
        "obligation": {"reference": order["obligation_reference"], "kind": order["kind"]},
        "identifiers": order["identifiers"],
        "description": order["description"],
        "treasury": _account(order) if treasury else None,
        "payment": {
            "bank": collected.bank,
            "bank_transaction_id": collected.bank_transaction_id,
            "amount": wire_money(Money(collected.amount, order["currency"])),
            "collected_on": collected.day.isoformat(),
        },
        "amount": wire_money(amount),
        "amount_in_words": amount_in_words(amount) if amount.currency == VND else str(amount),
        "reason": refund["reason"],
        "note": refund["note"],
        "proposed_by": refund["proposed_by"],
        "approved_by": refund["approved_by"],
    }


def _account(order: Mapping[str, Any]) -> dict[str, Any]:
    """The Treasury account that the money went to, with its place in the budget."""
    return {
        "account_number": order["account_number"],
        "bank": order["account_bank"],
        "account_name": order["account_name"],
        "chapter": order["treasury_chapter"],
        "sub_item": order["treasury_sub_item"],
    }
