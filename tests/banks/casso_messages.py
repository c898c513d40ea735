"""What Casso sends, signed with Python's own json and hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import NOON, ORDER

SECRET = "hub-casso-test-secret-0123456789"
ACCOUNT = "88888888"

STATEMENT = (
    "id,transactionDateTime,description,amount\n"
    f"92704,2026-11-22 12:00:00,CT DEN {ORDER},150000\n"
    "92705,2026-11-22 12:01:00,phi SMS,-11000\n"
    "92706,2026-11-22 23:59:59,typed by hand,5000\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of an account whose statements are dropped into ``folder``."""
    return {
        "ACCOUNT_BANK": "970432",
        "ACCOUNT_NUMBER": ACCOUNT,
        "ACCOUNT_NAME": "KHO BAC NHA NUOC",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    } | changes


def a_movement(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon, as Casso tells of it."""
    return {
        "id": 92704,
        "reference": "FT26326000123",
        "description": f'CT DEN: "{ORDER}" nộp phí / hồ sơ',
        "amount": 150000,
        "runningBalance": 25000000,
        "transactionDateTime": "2026-11-22 12:00:00",
        "accountNumber": ACCOUNT,
        "bankName": "VPBank",
        "bankAbbreviation": "VPB",
        "virtualAccountNumber": "",
        "virtualAccountName": "",
        "counterAccountName": "NGUYEN VAN A",
        "counterAccountNumber": "8888888888",
        "counterAccountBankId": "970415",
        "counterAccountBankName": "VietinBank",
    } | changes


def told(
    message: Mapping[str, Any], *, at: datetime = NOON, secret: str = SECRET, body: bytes | None = None
) -> CallbackRequest:
    """The message as Casso sends it: Python's own sorted compact JSON is JavaScript's, for what is in these."""
    sent = int(at.timestamp() * 1000)
    written = json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hmac.new(secret.encode(), f"{sent}.{written}".encode(), "sha512").hexdigest()
    raw = json.dumps(message, ensure_ascii=False).encode() if body is None else body
    headers = {"content-type": "application/json", "x-casso-signature": f"t={sent},v1={digest}"}
    return CallbackRequest("POST", "/callbacks/casso", b"", headers, raw, NOON)


def with_balance(written: str, signed: str) -> CallbackRequest:
    """A message whose running balance is written so, under a signature over ``signed``."""
    marked = a_movement(runningBalance="@")
    message = json.dumps(
        {"error": 0, "data": marked}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    text, said = (message.replace('"@"', number) for number in (written, signed))
    sent = int(NOON.timestamp() * 1000)
    digest = hmac.new(SECRET.encode(), f"{sent}.{said}".encode(), "sha512").hexdigest()
    headers = {"x-casso-signature": f"t={sent},v1={digest}"}
    return CallbackRequest("POST", "/callbacks/casso", b"", headers, text.encode(), NOON)
