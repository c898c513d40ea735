"""Every refusal. The first line of each docstring is the title that a caller gets."""

from __future__ import annotations


class HubError(Exception):
    """The request was refused."""

    def __init__(self, detail: str = "", *, pointers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointers = pointers or {}
        """JSON pointer -> what is wrong there."""


class Malformed(HubError):
    """The request has a form that cannot be accepted."""


class MalformedAmount(Malformed):
    """The amount is not a plain whole number of the currency's smallest unit."""


class CurrencyMismatch(Malformed):
    """Two amounts of different currencies cannot be put together."""


class MalformedReference(Malformed):
    """The reference is not one of ours: a character or its check digit is wrong."""


class MalformedObligation(Malformed):
    """The obligation lacks something that its kind needs, or has something that it cannot have."""


class MalformedBody(Malformed):
    """The body is not JSON text that can be read without doubt."""


class MalformedStatement(Malformed):
    """The bank's statement cannot be read; the whole file is refused."""

    def __init__(self, detail: str = "", *, raw: bytes = b"") -> None:
        super().__init__(detail)
        self.raw = raw
        """The file as it came: evidence."""


class UnknownField(Malformed):
    """The request has a field that this address does not know."""


class UnsupportedBody(HubError):
    """The body must be sent as application/json, in UTF-8 and without compression."""


class BodyTooLarge(HubError):
    """The body is larger than this address accepts."""


class NotFound(HubError):
    """There is no such thing, or you may not see it."""


class AgencyNotFound(NotFound):
    """There is no such agency."""


class PortalNotFound(NotFound):
    """There is no such portal."""


class KeyNotFound(NotFound):
    """There is no such API key."""


class ObligationNotFound(NotFound):
    """There is no such obligation."""


class OrderNotFound(NotFound):
    """There is no such payment order."""


class ReceiptNotFound(NotFound):
    """There is no such receipt."""


class BankNotFound(NotFound):
    """There is no such bank, or it is not enabled here."""


class BankCannot(NotFound):
    """This bank's protocol has no such message."""


class EventNotFound(NotFound):
    """There is no such event."""


class RunNotFound(NotFound):
    """There is no such reconciliation run."""


class DiscrepancyNotFound(NotFound):
    """There is no such discrepancy."""


class PostingNotFound(NotFound):
    """There is no such posting."""


class PageNotFound(NotFound):
    """There is no page at this address."""


class RefundNotFound(NotFound):
    """There is no such refund."""


class CollectionNotFound(NotFound):
    """No such bank transaction has brought money."""


class Conflict(HubError):
    """The request does not fit the present state."""


class IdempotencyConflict(Conflict):
    """The same idempotency key was used for a different request."""


class RequestStillRunning(Conflict):
    """The first request with this idempotency key is still running."""


class OpenOrderExists(Conflict):
    """The obligation already has an open payment order."""


class OrderClosed(Conflict):
    """The payment order can no longer be paid or changed."""


class ObligationClosed(Conflict):
    """The obligation is settled or withdrawn."""


class PaymentUnderWay(Conflict):
    """A payment of this order is under way and its outcome is not known yet."""


class BankNotOffered(Conflict):
    """No such bank takes this payment at the moment; the payment options say why."""


class StaleVersion(Conflict):
    """This was changed since you read it."""


class AlreadyResolved(Conflict):
    """The discrepancy is already resolved."""


class AlreadyReversed(Conflict):
    """The posting is already reversed."""


class SamePerson(Conflict):
    """Two people must do this: the proposer does not approve, and the approver does not prove the end."""


class IllegalTransition(Conflict):
    """This cannot happen in the present state."""


class RefundableChanged(Conflict):
    """The refundable balance is not what you saw."""


class RefundExceeds(Conflict):
    """The refund is larger than the money that is here and not already reserved for a refund."""


class RefundBlocked(Conflict):
    """This money cannot be refunded at the moment."""


class RefundAboveLimit(Conflict):
    """The amount is above what an officer may approve for this agency."""


class MoneyNotSeen(Conflict):
    """The money has not been seen in the bank's statement yet."""


class Unauthenticated(HubError):
    """A valid API key is required."""


class Forbidden(HubError):
    """The API key does not carry the scope that this needs."""


class CallbackRejected(HubError):
    """The message could not be verified as the bank's."""


class QuotaExceeded(HubError):
    """Too many requests were sent in a short time."""


class MissingIdempotencyKey(HubError):
    """Every POST needs an Idempotency-Key header of 1 to 255 visible ASCII characters."""


class MissingVersion(HubError):
    """This change needs an If-Match header with the version that you read."""


class BankUnavailable(HubError):
    """The bank cannot be reached or did not answer in time."""


class CircuitOpen(BankUnavailable):
    """The bank is not called at the moment: it did not answer recently, or it has announced a downtime."""


class HubUnavailable(HubError):
    """The hub cannot reach its own database at the moment."""
