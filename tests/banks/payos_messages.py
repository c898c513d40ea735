"""What payOS sends and answers, signed with Python's own json and hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bank_adapters.toolkit.emv_qr import write_vietqr
from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import AMOUNT, NOON, NUMBER, ORDER, REFUND, TRANSACTION

URL = "https://payos.test"
LINKS, PAYOUTS = f"{URL}/v2/payment-requests", f"{URL}/v1/payouts"
LINK = f"{LINKS}/{NUMBER}"
SECRET = "hub-payos-checksum-0123456789abcdef"
PAYOUT_SECRET = "hub-payout-checksum-0123456789abcdef"
LINK_ID = "124c33293c43417ab7879e14c8d9eb19"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{TRANSACTION},{NUMBER},150000,PAID\n"
    f"2026-11-22 12:01:00,FT26326000124,{NUMBER},7000,CANCELLED\n"
    "2026-11-22 23:59:59,FT26326000125,typed by hand,5000,PAID\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of a channel, with payouts, whose daily files are dropped into ``folder``."""
    return {
        "URL": URL,
        "CLIENT_ID": "client-1",
        "API_KEY": "api-key-of-the-channel",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
        "PAYOUT_CLIENT_ID": "client-2",
        "PAYOUT_API_KEY": "api-key-of-payouts",
        "PAYOUT_SECRET": PAYOUT_SECRET,
    } | changes


def a_transfer(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon, as a callback tells of it."""
    return {
        "orderCode": NUMBER,
        "amount": 150000,
        "description": f"CS7{NUMBER} {ORDER}",
        "accountNumber": "12345678",
        "reference": TRANSACTION,
        "transactionDateTime": "2026-11-22 12:00:00",
        "currency": "VND",
        "paymentLinkId": LINK_ID,
        "code": "00",
        "desc": "Thành công",
        "counterAccountBankId": "970403",
        "counterAccountBankName": "",
        "counterAccountName": "CTY A & B",
        "counterAccountNumber": "0011012345678",
        "virtualAccountName": "",
        "virtualAccountNumber": None,
    } | changes


def a_link(*transfers: Mapping[str, Any], status: str = "PAID", **changes: Any) -> dict[str, Any]:
    """A link as questions and cancellations are answered."""
    return {
        "id": LINK_ID,
        "orderCode": NUMBER,
        "amount": 150000,
        "amountPaid": sum(one["amount"] for one in transfers),
        "amountRemaining": 0,
        "status": status,
        "createdAt": "2026-11-22T11:58:00+07:00",
        "transactions": list(transfers),
        "canceledAt": None,
        "cancellationReason": None,
    } | changes


def in_link(**changes: Any) -> dict[str, Any]:
    """One transfer as it stands inside a link."""
    outside = ("orderCode", "currency", "paymentLinkId", "code", "desc")
    plain = {name: value for name, value in a_transfer().items() if name not in outside}
    return plain | {"transactionDateTime": "2026-11-22T12:00:00+07:00"} | changes


def an_opening(**changes: Any) -> dict[str, Any]:
    """The answer to a new link."""
    qr_text = write_vietqr(bank_bin="970422", number="12345678", amount=AMOUNT, purpose=f"CS7{NUMBER}")
    return {
        "bin": "970422",
        "accountNumber": "12345678",
        "accountName": "KHO BAC NHA NUOC",
        "amount": 150000,
        "description": f"CS7{NUMBER}",
        "orderCode": NUMBER,
        "currency": "VND",
        "paymentLinkId": LINK_ID,
        "status": "PENDING",
        "checkoutUrl": f"https://pay.payos.test/web/{LINK_ID}",
        "qrCode": qr_text,
    } | changes


def a_payout(state: str = "SUCCEEDED", **changes: Any) -> dict[str, Any]:
    """A payout as it is answered."""
    transfer = {
        "id": "batchTxnId",
        "referenceId": REFUND,
        "amount": 150000,
        "description": REFUND,
        "toBin": "970403",
        "toAccountNumber": "0011012345678",
        "toAccountName": "NGUYEN VAN A",
        "reference": None,
        "transactionDatetime": None,
        "errorMessage": None,
        "errorCode": None,
        "state": state,
    }
    return {
        "id": "payout1",
        "referenceId": REFUND,
        "transactions": [transfer],
        "category": None,
        "approvalState": "PROCESSING",
        "createdAt": "2026-11-22T13:00:00+07:00",
    } | changes


def row(data: Mapping[str, Any]) -> str:
    """``name=value&`` over sorted names, as the official kit for Python writes it."""

    def value(given: Any) -> str:
        if isinstance(given, list | dict):
            return json.dumps(given, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
        if given in (None, "null", "undefined"):
            return ""
        return json.dumps(given) if isinstance(given, bool) else str(given)

    return "&".join(f"{name}={value(data[name])}" for name in sorted(data))


def payout_row(data: Mapping[str, Any]) -> str:
    """The same for payouts: encoded."""

    def value(given: Any) -> str:
        return given if isinstance(given, str) else row({"x": given}).removeprefix("x=")

    return "&".join(f"{name}={quote(value(data[name]))}" for name in sorted(data))


def digest(message: str, secret: str = SECRET) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), message.encode(), "sha256").hexdigest()


def answered(data: Mapping[str, Any], secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """A signed answer about a link, as words for ``responses``."""
    message = {"code": "00", "desc": "success", "data": data, "signature": digest(row(data), secret)}
    return {"status": 200, "json": message | changes}


def paid_out(data: Mapping[str, Any], secret: str = PAYOUT_SECRET, **changes: Any) -> dict[str, Any]:
    """An answer about payouts, signed in its header."""
    message = {"code": "00", "desc": "success", "data": data} | changes
    return {"status": 200, "json": message, "headers": {"x-signature": digest(payout_row(data), secret)}}


def told(data: Mapping[str, Any], secret: str = SECRET, signed: str | None = None) -> CallbackRequest:
    """A callback; ``signed`` replaces the text that is signed."""
    signature = digest(row(data) if signed is None else signed, secret)
    message = {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}
    body = json.dumps(message, ensure_ascii=False).encode()
    return CallbackRequest("POST", "/callbacks/payos", b"", {"content-type": "application/json"}, body, NOON)
