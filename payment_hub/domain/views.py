"""What callers are shown: frozen values, and the one form in which they go over the wire.

The body of a notice is the same object as the answer to a GET, so both are made here and nowhere else. Amounts are
strings of whole units beside their currency; moments are UTC with a ``Z``; days are ISO dates in hub time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from payment_hub.domain.money import Money, dong


def wire_money(money: Money) -> dict[str, str]:
    """An amount on the wire: ``{"amount": "150000", "currency": "VND"}``."""
    return {"amount": str(money), "currency": money.currency}


def wire_moment(moment: datetime | None) -> str | None:
    """A moment on the wire: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z" if moment else None


NOTHING: Final = dong(0)


@dataclass(frozen=True, slots=True)
class ObligationView:
    """An obligation as its agency and the portal see it."""

    agency: str
    agency_name: str
    reference: str
    kind: str
    version: int
    state: str
    """``OWED``, ``WITHDRAWN`` or ``SETTLED``."""
    amount: Money
    payer_name: str
    identifiers: Mapping[str, str]
    description: str
    due_on: date | None
    account_number: str
    account_bank: str
    account_name: str
    treasury_chapter: str | None
    treasury_sub_item: str | None
    open_order: str | None
    registered_at: datetime

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "agency": self.agency,
            "reference": self.reference,
            "kind": self.kind,
            "version": self.version,
            "state": self.state,
            "amount": wire_money(self.amount),
            "payer_name": self.payer_name,
            "identifiers": dict(self.identifiers),
            "description": self.description,
            "due_on": self.due_on and self.due_on.isoformat(),
            "beneficiary": {
                "account_number": self.account_number,
                "bank": self.account_bank,
                "account_name": self.account_name,
                "treasury_chapter": self.treasury_chapter,
                "treasury_sub_item": self.treasury_sub_item,
            },
            "open_order": self.open_order,
            "registered_at": wire_moment(self.registered_at),
        }


@dataclass(frozen=True, slots=True)
class OrderView:
    """A payment order as the portal sees it. ``received`` counts all money that came, whatever became of it."""

    reference: str
    version: int
    agency: str
    obligation_reference: str
    obligation_version: int
    kind: str
    status: str
    flags: tuple[str, ...]
    finished: bool
    """Nothing more is expected; a portal need not know every status."""
    required: Money
    received: Money
    refunded: Money
    description: str
    issued_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    expired_at: datetime | None
    checkout_url: str
    return_url: str | None
    receipt: str | None
    """The receipt's number as printed, once the order is settled."""
    held_refund: Money = NOTHING
    """Reserved for refunds that are proposed or on their way."""

    @property
    def refundable(self) -> Money:
        """What may still be proposed to be given back."""
        return self.received - self.refunded - self.held_refund

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire; also the ``data`` of events."""
        return {
            "reference": self.reference,
            "version": self.version,
            "agency": self.agency,
            "obligation": {
                "reference": self.obligation_reference,
                "version": self.obligation_version,
                "kind": self.kind,
            },
            "status": self.status,
            "flags": list(self.flags),
            "finished": self.finished,
            "required": wire_money(self.required),
            "received": wire_money(self.received),
            "refunded": wire_money(self.refunded),
            "refundable": wire_money(self.refundable),
            "description": self.description,
            "issued_at": wire_moment(self.issued_at),
            "expires_at": wire_moment(self.expires_at),
            "cancelled_at": wire_moment(self.cancelled_at),
            "cancel_reason": self.cancel_reason,
            "expired_at": wire_moment(self.expired_at),
            "checkout_url": self.checkout_url,
            "return_url": self.return_url,
            "receipt": self.receipt,
        }


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt with the content that Decree 123/2020 article 32 asks for."""

    number: str
    """``<template> <series> <7 digits>`` as printed."""
    template: str
    series: str
    year: int
    serial: int
    order_reference: str
    agency: str
    agency_name: str
    agency_tax_code: str | None
    agency_address: str | None
    payer_name: str
    kind: str
    identifiers: Mapping[str, str]
    description: str
    amount: Money
    amount_in_words: str
    bank: str | None
    bank_transaction_id: str | None
    paid_at: datetime | None
    issued_at: datetime
    treasury_chapter: str | None = None
    treasury_sub_item: str | None = None

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "number": self.number,
            "template": self.template,
            "series": self.series,
            "year": self.year,
            "serial": self.serial,
            "order": self.order_reference,
            "agency": {
                "code": self.agency,
                "name": self.agency_name,
                "tax_code": self.agency_tax_code,
                "address": self.agency_address,
            },
            "payer_name": self.payer_name,
            "kind": self.kind,
            "identifiers": dict(self.identifiers),
            "description": self.description,
            "amount": wire_money(self.amount),
            "amount_in_words": self.amount_in_words,
            "bank": self.bank,
            "bank_transaction_id": self.bank_transaction_id,
            "paid_at": wire_moment(self.paid_at),
            "issued_at": wire_moment(self.issued_at),
            "treasury_chapter": self.treasury_chapter,
            "treasury_sub_item": self.treasury_sub_item,
        }
