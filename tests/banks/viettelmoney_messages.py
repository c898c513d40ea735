"""What Viettel sends, made with Python's own hmac and encoder, for the tests of the adapter."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bank_adapters import load_adapters
from bank_adapters.viettelmoney import ViettelMoney
from payment_hub.domain.banks.values import CallbackRequest, Confirmation
from tests.banks.examples import ATTEMPT, NOON, ORDER

MERCHANT, ACCESS, SECRET = "HUB", "hub-access-code", "hub-viettel-hash-key-000001"
PAGE = "https://viettel.test/PaymentGateway/payment"
API = "https://viettel.test/PaymentAPI/webresources/postData"
NUMBER = "261122120000000123"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{NUMBER},{ATTEMPT},150000,1\n"
    "2026-11-22 12:01:00,261122120100000124,DV0-1,70000,2\n"
    "2026-11-22 23:59:59,261122235959000125,typed by hand,5000,1\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a merchant code whose files are dropped into ``folder``."""
    return {
        "PAY_URL": PAGE,
        "API_URL": API,
        "MERCHANT_CODE": MERCHANT,
        "ACCESS_SECRET": ACCESS,
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    }


def built(folder: Path, **more: str) -> ViettelMoney:
    """The adapter with these settings and ``more``."""
    adapter = load_adapters(["viettelmoney"], {"viettelmoney": a_section(folder) | more})["viettelmoney"]
    assert isinstance(adapter, ViettelMoney)
    return adapter


def read(adapter: ViettelMoney, **changes: str) -> Confirmation:
    """What the adapter makes of a genuine result."""
    return adapter.read_callback(sent(signed(a_result(**changes))))


def check_sum(fields: Mapping[str, str], secret: str = SECRET, digest: str = "sha1") -> str:
    """The signature over the values in the order of their names."""
    message = ACCESS + "".join(fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(secret.encode(), message.encode(), digest)).decode()


def a_result(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong, as Viettel names them."""
    return {
        "billcode": ORDER,
        "cust_msisdn": "84900000000",
        "error_code": "00",
        "merchant_code": MERCHANT,
        "order_id": ATTEMPT,
        "payment_status": "1",
        "trans_amount": "150000",
        "vt_transaction_id": NUMBER,
    } | changes


def a_question(**changes: str) -> dict[str, str]:
    """The fields of verify."""
    return {
        "billcode": ORDER,
        "merchant_code": MERCHANT,
        "order_id": ATTEMPT,
        "trans_amount": "150000",
    } | changes


def signed(fields: Mapping[str, str], **how: str) -> dict[str, str]:
    """With its check_sum."""
    return {**fields, "check_sum": check_sum(fields, **how)}


def sent(fields: Mapping[str, str] | bytes, path: str = "/callbacks/viettelmoney") -> CallbackRequest:
    """The form with these fields."""
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return CallbackRequest("POST", path, b"", headers, body, NOON)


def asked(fields: Mapping[str, str] | bytes) -> CallbackRequest:
    """The same, at the address for questions."""
    return sent(fields, "/callbacks/viettelmoney/inquiry")


def answered(**changes: Any) -> dict[str, Any]:
    """The answer to a query, as words for ``responses``."""
    fields = {
        "merchant_code": MERCHANT,
        "order_id": ATTEMPT,
        "error_code": "00",
        "vt_transaction_id": NUMBER,
        "payment_status": "1",
        "version": "2.0",
    } | changes
    return {"json": signed(fields)}


def refunded(**changes: Any) -> dict[str, Any]:
    """The answer to a refund, as words for ``responses``."""
    fields = {"merchant_code": MERCHANT, "order_id": ATTEMPT, "error_code": "00", "version": "2.0"} | changes
    return {"json": {**signed(fields), "error_msg": "", "refund_request_id": "R1"}}
