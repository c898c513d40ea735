"""The port of a bank adapter: each ability is a small protocol of its own.

Every bank opens payments. An ability that only some banks have is a protocol that an adapter implements or not; no
method exists only to refuse. An adapter is stateless, has no clock (moments come with the request), verifies before it
parses, and raises only CallbackRejected, BankUnavailable and Malformed. A code that the bank has not documented is
PENDING, never a failure.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol, runtime_checkable

from payment_hub.domain.banks.profile import BankProfile
from payment_hub.domain.banks.values import (
    Answer,
    Bill,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Inquiry,
    Instructions,
    PaymentQuery,
    PaymentRequest,
    RefundAnswer,
    RefundQuery,
    RefundRequest,
    Statement,
)


@runtime_checkable
class BankAdapter(Protocol):
    """The abilities of every bank: a name, a profile, and opening payments."""

    @property
    def code(self) -> str:
        """The bank's name in the settings; two names may speak one protocol."""
        ...

    @property
    def profile(self) -> BankProfile:
        """The abilities and limits of its protocol, and how certain they are."""
        ...

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Ask the bank to take this payment. Raises BankUnavailable when it is unknown whether it will, and Malformed,
        before anything is sent, for what its protocol cannot carry.

        The same attempt reference again is the same payment, however often it is opened.
        """
        ...


@runtime_checkable
class TakesCallbacks(Protocol):
    """The bank reports the outcome of a payment by a callback."""

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the raw message, then read it. Raises CallbackRejected, without saying which check failed, and
        Malformed for a genuine message that makes no sense."""
        ...

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """The reply, in the bank's own format, to a verified ``request``. Never raises."""
        ...

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """The refusal of an unverified message in the bank's own format; None where it has none. Never raises."""
        ...


@runtime_checkable
class ReadsReturns(Protocol):
    """The citizen's browser brings a signed message back from the bank."""

    def read_return(self, query: bytes) -> Confirmation:
        """Verify and read it. For display only: it may never come. Raises CallbackRejected and Malformed."""
        ...


@runtime_checkable
class CanQuery(Protocol):
    """The bank can be queried about a payment."""

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Its answer. "Not found" is DECLINED only where the protocol makes that final. Raises BankUnavailable."""
        ...


@runtime_checkable
class HasStatement(Protocol):
    """The bank gives a statement of each business day."""

    def fetch_statement(self, day: date) -> Statement:
        """The statement of ``day``. Raises BankUnavailable, or Malformed with line and column."""
        ...


@runtime_checkable
class CanCancel(Protocol):
    """A payment that is not paid yet can be cancelled."""

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        """Cancel it; DECLINED when that is final. Raises BankUnavailable."""
        ...


@runtime_checkable
class CanCapture(Protocol):
    """The bank may hold money that the payer has authorised, until the hub captures it."""

    def capture_payment(self, query: PaymentQuery) -> Confirmation:
        """Capture the authorised money. Raises BankUnavailable."""
        ...


@runtime_checkable
class CanRefund(Protocol):
    """The bank refunds collected money to the payer."""

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Ask for the refund. "Accepted" is PENDING, not SUCCEEDED. Raises BankUnavailable when it is unknown whether
        the bank took the request, and Malformed, before anything is sent, for what its protocol cannot carry."""
        ...


@runtime_checkable
class CanQueryRefund(Protocol):
    """The bank can be queried about a refund."""

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Its answer. Raises BankUnavailable; Malformed, before sending, for what the protocol cannot carry."""
        ...


@runtime_checkable
class CanAnswerInquiry(Protocol):
    """The bank asks the hub for the bill before it takes the money."""

    def read_inquiry(self, request: CallbackRequest) -> Inquiry:
        """Verify the raw message, then read it. Raises CallbackRejected and Malformed."""
        ...

    def answer_inquiry(self, inquiry: Inquiry, bill: Bill) -> CallbackReply:
        """The reply with the bill, in the bank's own format. Never raises."""
        ...


@runtime_checkable
class CanFetchReceipt(Protocol):
    """The bank writes a receipt of its own for a payment."""

    def fetch_receipt(self, query: PaymentQuery) -> bytes:
        """The receipt as a whole PDF. Raises BankUnavailable for anything else."""
        ...
