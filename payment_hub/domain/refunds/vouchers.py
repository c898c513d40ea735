"""The paper of a refund that no bank's message carries: the Treasury's refund voucher, or a transfer order.

The field list of the Treasury's form (Circular 84/2016/TT-BTC and the older C1-04/NS) could not be read at its source.
The fields are those of the payment form C1-02/NS in the other direction; ``uncertain`` names the fields that must be
compared with the form in force before the paper is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Protocol

from payment_hub.domain.money import VND, Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.orders import OrderView
from payment_hub.domain.receipts import amount_in_words
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
    payment: VoucherPayment,
    refund: RefundTerms,
    on: date,
) -> Voucher:
    """The voucher as it is stored and shown."""
    treasury = route is Route.TREASURY
    amount = Money(refund.amount, order.required.currency)
    account = VoucherTreasury(
        account_number=facts.account_number,
        bank=facts.account_bank,
        account_name=facts.account_name,
        chapter=facts.treasury_chapter,
        sub_item=facts.treasury_sub_item,
    )
    return Voucher(
        form=facts.form if treasury else TRANSFER_ORDER,
        uncertain=UNCERTAIN if treasury else (),
        reference=refund.reference,
        made_on=on,
        order=order.reference,
        receipt=order.receipt,
        payer_name=facts.payer_name,
        payee=None if refund.payee is None else Payee(**refund.payee),
        agency=VoucherAgency(order.agency, facts.agency_name, facts.tax_code),
        obligation=VoucherObligation(order.obligation.reference, order.obligation.kind),
        identifiers=facts.identifiers,
        description=order.description,
        treasury=account if treasury else None,
        payment=payment,
        amount=amount,
        amount_in_words=amount_in_words(amount) if amount.currency == VND else str(amount),
        reason=RefundReason(refund.reason),
        note=refund.note,
        proposed_by=refund.proposed_by,
        approved_by=refund.approved_by or "",
    )
