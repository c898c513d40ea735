"""The values that pass between the hub and an adapter. The protocols themselves are in ``port``.

Amounts are whole dong unless their currency is another, moments are aware UTC, days are business days of the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from payment_hub.domain.money import Money


class Outcome(StrEnum):
    """The outcome of a payment, as the bank reports it."""

    PAID = "PAID"
    DECLINED = "DECLINED"
    PENDING = "PENDING"


class Answer(StrEnum):
    """The hub's answer to a callback; each adapter has the bank's own format for it."""

    RECORDED = "RECORDED"
    ALREADY_RECORDED = "ALREADY_RECORDED"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    NOT_RECORDED = "NOT_RECORDED"
    """It could not be stored: the bank must send it again."""


class Movement(StrEnum):
    """The kind of a line in a bank statement."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    FEE = "FEE"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One try at paying one order through one bank."""

    order_reference: str
    attempt_reference: str
    """``<order_reference>-<n>``: the merchant's reference at the bank; at most 19 ASCII characters."""
    amount: Money
    description: str
    """ASCII letters, digits and ``.:_-`` and spaces only; carries the order reference."""
    payer_ip: str
    language: str
    """``vi`` or ``en``."""
    started_at: datetime
    expires_at: datetime
    return_url: str
    number: int = 0
    """The attempt's own number, unique in the hub: for banks whose references are numbers."""
    bank_choice: str | None = None


@dataclass(frozen=True, slots=True)
class Instructions:
    """How the citizen pays: a QR text, a page, or both, and the transfer data as text."""

    qr_text: str | None = None
    page_url: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    account_bank: str | None = None
    purpose: str | None = None
    bank_reference: str | None = None
    """The bank's own id of the payment, where it has one."""
    app_link: str | None = None
    """Opens the bank's app on a telephone."""
    bill_code: str | None = None
    """The code with which the payer finds the bill, at the bank's counter or in its app."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A bank's HTTP message exactly as it arrived: not decoded, not verified."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    received_at: datetime
    source_ip: str = ""


@dataclass(frozen=True, slots=True)
class PayerAccount:
    """The payer's account, where the bank names it: personal data, shown to officers alone."""

    number: str
    bank: str | None = None
    """BIN or name, as the bank writes it."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A bank's verified statement of fact about one payment."""

    bank: str
    event_id: str
    """The bank's identity of this message; the same message repeated has the same id."""
    reference: str
    """The hub's reference as the bank gives it: the attempt's or the order's, or the text that the payer typed."""
    outcome: Outcome
    amount: Money | None = None
    bank_transaction_id: str | None = None
    """The bank's identity of the money; required when PAID."""
    paid_at: datetime | None = None
    code: str = ""
    """The bank's own code, kept as evidence."""
    number: int | None = None
    """The attempt's number, from a bank whose references are numbers."""
    authorised: bool = False
    """The payer has authorised the payment and the bank awaits its capture (``CanCapture``); the outcome is PENDING."""
    payer: PayerAccount | None = None
    key: int | None = None
    """Which key signed it: 0 the current one, 1 the previous one. None without a signature."""


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """The HTTP reply to the bank, in its own format."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """The payment about which a bank is queried."""

    order_reference: str
    attempt_reference: str
    amount: Money
    started_at: datetime
    queried_at: datetime
    bank_reference: str | None = None
    number: int = 0
    """As in the request that opened it."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement in the bank's statement of a day."""

    line: int
    """Its place in the file, from 1, for officers."""
    bank_transaction_id: str
    reference: str
    amount: Money
    movement: Movement
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """A bank's statement of one day: the raw file as evidence, and its lines."""

    day: date
    raw: bytes
    lines: tuple[StatementLine, ...]
    shows_debits: bool = True
    """Whether refunds appear in it. A refund is not missing in a file that never shows any."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A bank's question about the bill under a code that its customer gave."""

    reference: str
    """As the customer gave it: our order's or attempt's reference, or free text that holds one."""
    amount: Money | None = None
    """The amount that the bank expects, where it names one."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values that the answer must repeat, by the bank's own names."""
    key: int | None = None


class Due(StrEnum):
    """The state of a bill in an inquiry."""

    PAYABLE = "PAYABLE"
    PAID = "PAID"
    CLOSED = "CLOSED"
    """Expired, cancelled or held: it must not be paid now."""
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"


@dataclass(frozen=True, slots=True)
class Bill:
    """The answer to an inquiry. Without an order only ``due`` is set."""

    due: Due
    order_reference: str = ""
    attempt_reference: str = ""
    amount: Money | None = None
    payer_name: str = ""
    description: str = ""


class RefundOutcome(StrEnum):
    """The outcome of a refund, as the bank reports it."""

    SUCCEEDED = "SUCCEEDED"
    """The money is refunded."""
    FAILED = "FAILED"
    """It is not, and will not be: this is final by the bank's protocol."""
    PENDING = "PENDING"
    """Accepted, under way, or a code that the bank never documented."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """One refund of one collected amount."""

    refund_reference: str
    """The hub's own, unique: at most 20 characters of ``[A-Za-z0-9-]``; the same again is the same refund."""
    number: int
    """The refund's own number, unique in the hub: for banks whose references are numbers."""
    order_reference: str
    attempt_reference: str
    """The reference of the payment at the bank."""
    bank_transaction_id: str
    """The bank's identity of the money that is refunded."""
    amount: Money
    paid: Money
    """The amount of that transaction: a refund of as much is a full one."""
    paid_at: datetime
    payment_started_at: datetime
    description: str
    """ASCII letters, digits and ``.:_-`` and spaces only."""
    requested_by: str
    """Who approved it, as ASCII."""
    queried_at: datetime
    bank_reference: str | None = None
    """The bank's own id of the payment, where it has one."""
    payer: PayerAccount | None = None
    """The payer's account, where the bank names it: for banks that can only transfer the money there."""


def account_of(payee: Mapping[str, str | None] | None) -> PayerAccount | None:
    """The account of a refund, as it was stored; None without a number."""
    if payee is None or not payee.get("number"):
        return None
    return PayerAccount(str(payee["number"]), payee.get("bank"), payee.get("name"))


@dataclass(frozen=True, slots=True)
class RefundQuery:
    """The refund about which a bank is queried."""

    refund_reference: str
    number: int
    order_reference: str
    attempt_reference: str
    bank_transaction_id: str
    amount: Money
    paid: Money
    submitted_at: datetime
    payment_started_at: datetime
    queried_at: datetime
    bank_reference: str | None = None
    bank_refund_id: str | None = None
    """The bank's own id of the refund, where it has one."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """The bank's answer about a refund."""

    outcome: RefundOutcome
    code: str
    """The bank's own code, kept as evidence."""
    bank_refund_id: str | None = None
