"""What KeyPay sends, made with Python's own hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import ATTEMPT, NOON, TRANSACTION

CLIENT, KEY_1, KEY_2 = "HUB01", "hub-keypay-key-1-000001", "hub-keypay-key-2-000001"
CREATE, DETAIL = "https://keypay.test/create", "https://keypay.test/detail"
REFUNDS, REFUND_DETAIL = "https://keypay.test/refund", "https://keypay.test/refund-detail"
PAGE = "https://keypay.test/pay?token=7#top"
GIVEN_BACK = "RKP0001"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,PAID\n"
    "2026-11-22 12:01:00,KP2,DV0-1,70000,FAILED\n"
    "2026-11-22 23:59:59,KP3,typed by hand,5000,PAID\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a client whose files are dropped into ``folder``, with words for what KeyPay never wrote down."""
    return {
        "CREATE_URL": CREATE,
        "DETAIL_URL": DETAIL,
        "REFUND_URL": REFUNDS,
        "REFUND_DETAIL_URL": REFUND_DETAIL,
        "CLIENT_ID": CLIENT,
        "SECRET": KEY_1,
        "SECRET_RECEIVED": KEY_2,
        "DECLINED_STATUS": "2",
        "REFUNDED_STATUS": "0",
        "UNREFUNDED_STATUS": "2",
        "STATEMENTS": str(folder),
    }


def check_sum(*values: str, key: str = KEY_2, digest: str = "sha256") -> str:
    """The signature over ``values``."""
    return hmac.new(key.encode(), "|".join(values).encode(), digest).hexdigest()


def a_callback(key: str = KEY_2, **changes: Any) -> dict[str, Any]:
    """The word that a payment of 150,000 dong was made."""
    fields = {
        "client_id": CLIENT,
        "transaction_id": ATTEMPT,
        "transaction_code": TRANSACTION,
        "trans_amount": "150000",
        "addition_fee": "0",
        "command": "PAY",
        "version": "3.0",
        "status": 0,
    } | changes
    names = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
    return {**fields, "check_sum": check_sum(*(str(fields[name]) for name in names), key=key)}


def sent(fields: object) -> CallbackRequest:
    """The callback with these fields."""
    headers = {"content-type": "application/json"}
    return CallbackRequest("POST", "/callbacks/keypay", b"", headers, json.dumps(fields).encode(), NOON)


def answer(signed: tuple[str, ...], **data: Any) -> dict[str, Any]:
    """An answer signed over ``signed``, as words for ``responses``."""
    return {"json": {"error": "0", "msg": "success", "data": {**data, "check_sum": check_sum(*signed)}}}


def created(reference: str = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """The answer to an opening."""
    data = {
        "transaction_code": TRANSACTION,
        "url_pay": PAGE,
        "qrcode_pay": "data:image/png;base64,AA==",
    } | changes
    return answer((CLIENT, "PAY", reference), **data)


def detail(reference: str = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """The answer to a question."""
    data = {"transaction_code": TRANSACTION, "trans_amount": "150000", "status": 0} | changes
    return answer((CLIENT, "PAY", reference), **data)


def given_back(reason: str, **changes: Any) -> dict[str, Any]:
    """The answer to a refund."""
    data = {"transaction_refund_code": GIVEN_BACK, "status": 0} | changes
    return answer(("150000", CLIENT, "REFUND", reason, ATTEMPT), **data)


def refund_detail(code: str = GIVEN_BACK, **changes: Any) -> dict[str, Any]:
    """The answer to a question about a refund."""
    data = {"transaction_refund_code": code, "status": 0} | changes
    return answer((CLIENT, "REFUND_DETAIL", code), **data)
