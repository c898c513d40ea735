"""The port: what the hub asks of a bank, each ability a small protocol of its own.

Every bank opens payments. What only some can do is a protocol that they implement or not; having its methods is the
sign, and nobody implements one to say that he cannot. An adapter is stateless, has no clock (moments come with the
request), verifies before it parses, and raises only CallbackRejected, BankUnavailable and Malformed. A word that the
bank has not documented is PENDING, never a failure.
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
    """What every bank is: a name, what is known of it, and one verb."""

    @property
    def code(self) -> str:
        """The bank's name in the settings; two names may speak one protocol."""
        ...

    @property
    def profile(self) -> BankProfile:
        """What its protocol can do, within which limits, and how sure we are of it."""
        ...

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Ask the bank to take this payment. Raises BankUnavailable when we do not know whether it will, and Malformed,
        before anything is sent, for what its protocol cannot carry.

        The same attempt reference again is the same payment, however often it is asked for.
        """
        ...


@runtime_checkable
class TakesCallbacks(Protocol):
    """The bank tells us what became of a payment."""

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the raw message, then read it. Raises CallbackRejected, without saying which check failed, and
        Malformed for a genuine message that makes no sense."""
        ...

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """Say in the bank's own words what became of ``request``, a message that was believed. Never raises."""
        ...

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """The bank's own words for a message that we do not believe; None where it has none. Never raises."""
        ...


@runtime_checkable
class ReadsReturns(Protocol):
    """The citizen's browser brings a signed word back from the bank."""

    def read_return(self, query: bytes) -> Confirmation:
        """Verify and read it. For display only: it may never come. Raises CallbackRejected and Malformed."""
        ...


@runtime_checkable
class CanQuery(Protocol):
    """The bank can be asked what became of a payment."""

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
    """A payment that nobody has paid yet can be taken back."""

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        """What became of it: DECLINED when it is cancelled for good. Raises BankUnavailable."""
        ...


@runtime_checkable
class CanCapture(Protocol):
    """The bank may hold money that the payer has authorised, until we take it."""

    def capture_payment(self, query: PaymentQuery) -> Confirmation:
        """Take the authorised money. Raises BankUnavailable."""
        ...


@runtime_checkable
class CanRefund(Protocol):
    """The bank gives collected money back to the payer."""

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Ask for it. "Accepted" is PENDING, not SUCCEEDED. Raises BankUnavailable when we do not know whether the bank
        took the request, and Malformed, before anything is sent, for what its protocol cannot carry."""
        ...


@runtime_checkable
class CanQueryRefund(Protocol):
    """The bank can be asked what became of a refund."""

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Its answer. Raises BankUnavailable, and Malformed, before anything is sent, for what it cannot be asked."""
        ...


@runtime_checkable
class CanAnswerInquiry(Protocol):
    """The bank asks us what is to be paid before it takes the money."""

    def read_inquiry(self, request: CallbackRequest) -> Inquiry:
        """Verify the raw message, then read it. Raises CallbackRejected and Malformed."""
        ...

    def answer_inquiry(self, inquiry: Inquiry, bill: Bill) -> CallbackReply:
        """The bill in the bank's own words. Never raises."""
        ...


@runtime_checkable
class CanFetchReceipt(Protocol):
    """The bank writes a receipt of its own for a payment that it took."""

    def fetch_receipt(self, query: PaymentQuery) -> bytes:
        """The receipt as a whole PDF. Raises BankUnavailable for anything else."""
        ...
