"""The paper by which money goes back where no bank's message does: the Treasury's refund voucher, or a transfer order.

Of the Treasury's form (Circular 84/2016/TT-BTC and the older C1-04/NS) the list of fields could not be read at its
source. What is filled in is what the payment form C1-02/NS asks for, turned around; ``uncertain`` names what must be
compared with the form in force before it is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from payment_hub.domain.money import VND, Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.receipts import amount_in_words, receipt_number
from payment_hub.domain.refunds.eligibility import Collected
from payment_hub.domain.refunds.lifecycle import RefundReason, Route
from payment_hub.domain.refunds.views import Payee
from payment_hub.domain.wire import Shown

#: What the voucher is called when it is no form of the Treasury's.
TRANSFER_ORDER: Final = "TRANSFER"

#: Filled in as the payment form has it; not compared with the refund form itself.
UNCERTAIN: Final = ("form", "treasury.chapter", "treasury.sub_item", "receipt")


@dataclass(frozen=True, slots=True)
class VoucherAgency:
    """The agency on a voucher."""

    agency: str
    agency_name: str
    tax_code: str | None


@dataclass(frozen=True, slots=True)
class VoucherObligation:
    """What had been paid for."""

    reference: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class VoucherTreasury:
    """The Treasury account that the money went to, with its place in the budget."""

    account_number: str
    bank: str
    account_name: str
    chapter: str | None
    sub_item: str | None


@dataclass(frozen=True, slots=True)
class VoucherPayment:
    """The payment that is refunded."""

    bank: str
    bank_transaction_id: str
    amount: Money
    collected_on: date


@dataclass(frozen=True, slots=True)
class Voucher:
    """The document of a refund: the Treasury's refund voucher, or a transfer order (``form`` is TRANSFER)."""

    form: Annotated[str, Shown(example="C1-04/NS")]
    uncertain: Annotated[
        Sequence[str], Shown(description="Fields to compare with the form in force before it is handed in")
    ]
    reference: str
    made_on: date
    order: str
    receipt: str | None
    payer_name: str
    payee: Payee | None
    agency: VoucherAgency
    obligation: VoucherObligation
    identifiers: Mapping[str, str]
    description: str
    treasury: VoucherTreasury | None
    payment: VoucherPayment
    amount: Money
    amount_in_words: str
    reason: RefundReason
    note: str
    proposed_by: str
    approved_by: str


def voucher_of(
    route: Route, order: Mapping[str, Any], collected: Collected, refund: Mapping[str, Any], on: date
) -> Voucher:
    """The voucher as it is stored and shown. ``order`` is a row with the agency and the obligation's version,
    ``refund`` holds reference, amount, reason, note, payee, proposed_by and approved_by."""
    treasury = route is Route.TREASURY
    amount, payee = Money(refund["amount"], order["currency"]), refund["payee"]
    receipt = order["receipt_serial"] and receipt_number(
        order["receipt_template_used"], order["receipt_series_used"], order["receipt_serial"]
    )
    account = VoucherTreasury(
        account_number=order["account_number"],
        bank=order["account_bank"],
        account_name=order["account_name"],
        chapter=order["treasury_chapter"],
        sub_item=order["treasury_sub_item"],
    )
    return Voucher(
        form=order["voucher_form"] if treasury else TRANSFER_ORDER,
        uncertain=UNCERTAIN if treasury else (),
        reference=refund["reference"],
        made_on=on,
        order=order["reference"],
        receipt=receipt,
        payer_name=order["payer_name"],
        payee=payee and Payee(**payee),
        agency=VoucherAgency(order["agency"], order["agency_name"], order["tax_code"]),
        obligation=VoucherObligation(order["obligation_reference"], Kind(order["kind"])),
        identifiers=order["identifiers"],
        description=order["description"],
        treasury=account if treasury else None,
        payment=VoucherPayment(
            bank=collected.bank,
            bank_transaction_id=collected.bank_transaction_id,
            amount=Money(collected.amount, order["currency"]),
            collected_on=collected.day,
        ),
        amount=amount,
        amount_in_words=amount_in_words(amount) if amount.currency == VND else str(amount),
        reason=RefundReason(refund["reason"]),
        note=refund["note"],
        proposed_by=refund["proposed_by"],
        approved_by=refund["approved_by"],
    )
