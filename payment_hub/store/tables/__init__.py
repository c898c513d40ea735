"""Every table of the hub, declared once, with the constraints that the database enforces."""

from payment_hub.store.tables.access import Agency, ApiKey, Portal
from payment_hub.store.tables.banks import BankDowntime, BankHealth
from payment_hub.store.tables.base import APPEND_ONLY, Base
from payment_hub.store.tables.confirmations import Callback, Collection, ConfirmationRecord
from payment_hub.store.tables.idempotency import IdempotencyRecord
from payment_hub.store.tables.ledger import Posting, Receipt, ReceiptCounter
from payment_hub.store.tables.obligations import Obligation, ObligationVersion
from payment_hub.store.tables.orders import PaymentOrder
from payment_hub.store.tables.payments import AttemptEnding, BankChoice, PaymentAttempt
from payment_hub.store.tables.refunds import Chargeback, Refund, RefundEventRecord
from payment_hub.store.tables.webhooks import Event, Webhook, WebhookDelivery

__all__ = [
    "APPEND_ONLY",
    "Agency",
    "ApiKey",
    "AttemptEnding",
    "BankChoice",
    "BankDowntime",
    "BankHealth",
    "Base",
    "Callback",
    "Chargeback",
    "Collection",
    "ConfirmationRecord",
    "Event",
    "IdempotencyRecord",
    "Obligation",
    "ObligationVersion",
    "PaymentAttempt",
    "PaymentOrder",
    "Portal",
    "Posting",
    "Receipt",
    "ReceiptCounter",
    "Refund",
    "RefundEventRecord",
    "Webhook",
    "WebhookDelivery",
]
