"""What payOS says: links, transfers, payouts, and how each is signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bank_adapters.simulators.simulator import Payment, Refund, WireReply
from bank_adapters.simulators.transfers import ACCOUNT, PAYERS_BANK, PAYERS_NAME, compact, wall_clock

SECRET = "trial-checksum-of-payos-0123456789"  # noqa: S105
PAYOUT_SECRET = "trial-checksum-of-payouts-0123456789"  # noqa: S105
STATES = {"PENDING": "PROCESSING", "SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}


def link_id(payment: Payment) -> str:
    """32 hex digits, the same for the same link."""
    return hashlib.sha256(payment.reference.encode()).hexdigest()[:32]


def payers_account(payment: Payment) -> str:
    """Everybody pays from an account of his own, so that a payout finds what it gives back."""
    return f"77{payment.transaction_id}" if payment.transaction_id else ""


def row(data: Mapping[str, Any]) -> str:
    """``name=value`` in the order of names, lists as sorted JSON, nothing for null."""
    return "&".join(f"{name}={_written(value)}" for name, value in sorted(data.items()))


def encoded_row(data: Mapping[str, Any]) -> str:
    """The same, percent-encoded."""
    return "&".join(f"{name}={quote(_written(value), safe='')}" for name, value in sorted(data.items()))


def digest(text: str, secret: str = SECRET) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else compact(value)


def transfer(payment: Payment) -> dict[str, Any]:
    """A transfer into a link."""
    return {
        "reference": f"FT{payment.transaction_id}",
        "amount": payment.amount,
        "accountNumber": ACCOUNT,
        "description": payment.opened.get("description", payment.reference),
        "counterAccountBankId": PAYERS_BANK,
        "counterAccountBankName": None,
        "counterAccountName": PAYERS_NAME,
        "counterAccountNumber": payers_account(payment),
        "virtualAccountName": None,
        "virtualAccountNumber": "",
    }


def link(payment: Payment) -> dict[str, Any]:
    """A link, as questions and cancellations are answered."""
    paid, asked = payment.outcome == "PAID", payment.opened["amount"]
    came = payment.amount if paid else 0
    moment = wall_clock(payment.paid_at, "%Y-%m-%dT%H:%M:%S+07:00")
    words = {"PENDING": "PENDING", "DECLINED": "CANCELLED", "PAID": "PAID" if came >= asked else "UNDERPAID"}
    return {
        "id": link_id(payment),
        "orderCode": int(payment.reference),
        "amount": asked,
        "amountPaid": came,
        "amountRemaining": max(asked - came, 0),
        "status": words[payment.outcome],
        "createdAt": moment,
        "transactions": [{**transfer(payment), "transactionDateTime": moment}] if paid else [],
        "canceledAt": None,
        "cancellationReason": payment.opened.get("reason"),
    }


def payout(refund: Refund) -> dict[str, Any]:
    """A payout with its one transfer."""
    asked = refund.opened
    words = ("referenceId", "amount", "description", "toBin", "toAccountNumber")
    transfer = {name: asked[name] for name in words} | {"id": f"{refund.reference}-1", "errorCode": None}
    return {
        "id": f"payout-{refund.reference}",
        "referenceId": refund.reference,
        "transactions": [transfer | {"state": STATES[refund.state]}],
        "category": asked["category"],
        "approvalState": "PROCESSING" if refund.state == "PENDING" else "COMPLETED",
        "createdAt": "2026-01-01T00:00:00+07:00",
    }


def answered(data: Mapping[str, Any]) -> WireReply:
    """An answer about a link, signed in its body."""
    said = {"code": "00", "desc": "success", "data": data, "signature": digest(row(data))}
    return WireReply(200, compact(said, sort=False).encode())


def paid_out(data: Mapping[str, Any]) -> WireReply:
    """An answer about payouts, signed in its header."""
    headers = {"x-signature": digest(encoded_row(data), PAYOUT_SECRET)}
    return WireReply(200, compact({"code": "00", "desc": "success", "data": data}).encode(), headers)


def refused(code: str) -> WireReply:
    """A refusal, which nobody signs."""
    return WireReply(200, compact({"code": code, "desc": f"Lỗi {code}"}).encode())
