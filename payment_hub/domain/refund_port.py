"""What the hub and a bank say to each other when money goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payment_hub.domain.bank_values import PayerAccount
from payment_hub.domain.money import Money


class RefundOutcome(StrEnum):
    """What the bank says of a refund."""

    SUCCEEDED = "SUCCEEDED"
    """The money has gone back."""
    FAILED = "FAILED"
    """It has not, and will not: the bank's protocol makes this word final."""
    PENDING = "PENDING"
    """Accepted, on its way, or a word that the bank never documented."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """One refund of one collected amount."""

    refund_reference: str
    """Ours, unique in the hub: at most 20 characters of ``[A-Za-z0-9-]``; the same again is the same refund."""
    number: int
    """The refund's own number, unique in the hub: for banks whose references are numbers."""
    order_reference: str
    attempt_reference: str
    """What the bank knows the payment by."""
    bank_transaction_id: str
    """The bank's identity of the money that goes back."""
    amount: Money
    paid: Money
    """What was collected by that transaction: a refund of as much is a full one."""
    paid_at: datetime
    payment_started_at: datetime
    description: str
    """ASCII letters, digits and ``.:_-`` and spaces only."""
    requested_by: str
    """Who approved it, as ASCII."""
    asked_at: datetime
    bank_reference: str | None = None
    """The bank's own id of the payment, where it gave one."""
    payer: PayerAccount | None = None
    """From which account the money came, where the bank told: for banks that can only transfer it there."""


def account_of(payee: Mapping[str, str | None] | None) -> PayerAccount | None:
    """The account to which money goes back, as it was stored; None where its number is not known."""
    if payee is None or not payee.get("number"):
        return None
    return PayerAccount(str(payee["number"]), payee.get("bank"), payee.get("name"))


@dataclass(frozen=True, slots=True)
class RefundQuery:
    """Which refund we ask a bank about."""

    refund_reference: str
    number: int
    order_reference: str
    attempt_reference: str
    bank_transaction_id: str
    amount: Money
    paid: Money
    submitted_at: datetime
    payment_started_at: datetime
    asked_at: datetime
    bank_reference: str | None = None
    bank_refund_id: str | None = None
    """The bank's own id of the refund, where it gave one."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What the bank said of a refund."""

    outcome: RefundOutcome
    code: str
    """The bank's own code word, kept as evidence."""
    bank_refund_id: str | None = None
