"""The port: what the hub asks of a bank, in five verbs, and the values that pass through it.

An adapter is stateless, has no clock (moments come with the request), verifies before it parses, and raises only
CallbackRejected, BankUnavailable and Malformed. A word that the bank has not documented is PENDING, never a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

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
    asked_at: datetime
    bank_reference: str | None = None


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


@runtime_checkable
class BankAdapter(Protocol):
    """Five verbs, all required, none with a default."""

    code: ClassVar[str]

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Ask the bank to take this payment. Raises BankUnavailable when we do not know whether it will.

        The same attempt reference again is the same payment, however often it is asked for.
        """
        ...

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the raw message, then read it. Raises CallbackRejected, without saying which check failed."""
        ...

    def acknowledge(self, answer: Answer) -> CallbackReply:
        """Say in the bank's own words what became of its message. Never raises."""
        ...

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask the bank what became of a payment. Raises BankUnavailable."""
        ...

    def fetch_statement(self, day: date) -> Statement:
        """The bank's statement of a business day. Raises BankUnavailable, or Malformed with line and column."""
        ...
