"""What SePay sends, signed with Python's own hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
from datetime import datetime
from pathlib import Path
from typing import Any

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import NOON, ORDER

SECRET = "hub-sepay-test-secret-0123456789"
ACCOUNT = "0010000000355"

STATEMENT = (
    "id,transaction_date,transaction_content,amount_in,amount_out,accumulated\n"
    f"92704,2026-11-22 12:00:00,CT DEN {ORDER},150000.00,0.00,1150000.00\n"
    "92705,2026-11-22 12:01:00,rut tien,0.00,7000.00,1143000.00\n"
    "92706,2026-11-22 23:59:59,typed by hand,5000.00,0.00,1148000.00\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of an account whose statements are dropped into ``folder``."""
    return {
        "ACCOUNT_BANK": "970436",
        "ACCOUNT_NUMBER": ACCOUNT,
        "ACCOUNT_NAME": "KHO BAC NHA NUOC",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    } | changes


def a_movement(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon, as SePay tells of it."""
    return {
        "id": 92704,
        "gateway": "Vietcombank",
        "transactionDate": "2026-11-22 12:00:00",
        "accountNumber": ACCOUNT,
        "code": None,
        "content": f"MBVCB.7.{ORDER} nop phi",
        "transferType": "in",
        "transferAmount": 150000,
        "accumulated": 1150000,
        "subAccount": None,
        "referenceCode": "FT26326000123",
        "description": "",
    } | changes


def told(body: bytes, *, at: datetime = NOON, secret: str = SECRET) -> CallbackRequest:
    """The body as SePay signs it."""
    sent = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{sent}.".encode() + body, "sha256").hexdigest()
    headers = {"x-sepay-timestamp": sent, "x-sepay-signature": f"sha256={digest}"}
    return CallbackRequest("POST", "/callbacks/sepay", b"", headers, body, NOON)


def shown(body: bytes, key: str = f"Apikey {SECRET}") -> CallbackRequest:
    """The body with a key beside it, and no signature."""
    return CallbackRequest("POST", "/callbacks/sepay", b"", {"authorization": key}, body, NOON)
