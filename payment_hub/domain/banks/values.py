"""The values that pass between the hub and a bank. The verbs themselves are in ``bank_port``.

Amounts are whole dong unless their currency says otherwise, moments are aware UTC, days are business days of the hub.

What the hub and a bank say to each other when money goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from payment_hub.domain.money import Money


class Outcome(StrEnum):
    """What the bank says of a payment."""

    PAID = "PAID"
    DECLINED = "DECLINED"
    PENDING = "PENDING"


class Answer(StrEnum):
    """What a bank must be told about its callback; each adapter has its own words for it."""

    RECORDED = "RECORDED"
    ALREADY_RECORDED = "ALREADY_RECORDED"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    NOT_RECORDED = "NOT_RECORDED"
    """We could not store it: the bank must send it again."""


class Movement(StrEnum):
    """What one line of a bank's statement moved."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    FEE = "FEE"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One try at paying one order through one bank."""

    order_reference: str
    attempt_reference: str
    """``<order_reference>-<n>``: what the bank is given as the merchant's reference; at most 19 ASCII characters."""
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
    """How the citizen pays: a QR text, a page to go to, or both, and the transfer data as text."""

    qr_text: str | None = None
    page_url: str | None = None
    account_number: str | None = None
    account_name: str | None = None
    account_bank: str | None = None
    purpose: str | None = None
    bank_reference: str | None = None
    """The bank's own id of the payment it opened, where it gives one."""
    app_link: str | None = None
    """Opens the bank's app on a telephone."""
    bill_code: str | None = None
    """What the payer tells the bank, at its counter or in its app, to find the bill."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A bank's HTTP message exactly as it arrived: nothing decoded, nothing believed."""

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
    """The account from which the money came, where the bank tells it: personal data, shown to officers alone."""

    number: str
    bank: str | None = None
    """BIN or name, as the bank says it."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A bank's verified statement of fact about one payment."""

    bank: str
    event_id: str
    """Identity of this message in the bank's words; the same message repeated has the same id."""
    reference: str
    """Our reference as the bank gives it: the attempt's or the order's, or whatever the payer typed."""
    outcome: Outcome
    amount: Money | None = None
    bank_transaction_id: str | None = None
    """The bank's identity of the money; required when PAID."""
    paid_at: datetime | None = None
    code: str = ""
    """The bank's own code word, kept as evidence."""
    number: int | None = None
    """Our attempt's number, from a bank whose references are numbers: it leads to the order."""
    authorised: bool = False
    """The payer has agreed and the bank waits for our word (``CanCapture``); the outcome is PENDING until then."""
    payer: PayerAccount | None = None
    key: int | None = None
    """Which of the believed keys signed it: 0 the current one, 1 the one before. None where nothing was signed."""


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """What goes back to the bank, in its own words."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """Which payment we ask a bank about."""

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
    """Its place in the file, from 1: what an officer is told."""
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
    """Whether money that went back would stand in it. Nothing is missing in a file that never shows it."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A bank asks us what is to be paid under a code that its customer gave."""

    reference: str
    """As the customer gave it: our order's or attempt's reference, or free text that holds one."""
    amount: Money | None = None
    """What the bank believes is due, where it says so."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What the answer must repeat, by the bank's own names."""
    key: int | None = None


class Due(StrEnum):
    """What the hub knows of the bill that a bank asks about."""

    PAYABLE = "PAYABLE"
    PAID = "PAID"
    CLOSED = "CLOSED"
    """Expired, withdrawn or held: it must not be paid now."""
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"


@dataclass(frozen=True, slots=True)
class Bill:
    """Our answer to an inquiry. Without an order there is nothing but ``due``."""

    due: Due
    order_reference: str = ""
    attempt_reference: str = ""
    amount: Money | None = None
    payer_name: str = ""
    description: str = ""


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
    queried_at: datetime
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
    queried_at: datetime
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
