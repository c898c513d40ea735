"""What ShopeePay sends, made with Python's own hmac, for the tests of the adapter."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import CallbackRequest, Outcome, RefundOutcome
from tests.banks.examples import ATTEMPT, NOON, TRANSACTION

URL = "https://shopee.test"
SECRET = "hub-shopeepay-test-secret"
PAGE = "https://pay.shopee.test/checkout?ref=1&token=" + "t0" * 400
STATUS = {Outcome.PENDING: 2, Outcome.PAID: 3, Outcome.DECLINED: 4}
REFUND_STATUS = {RefundOutcome.PENDING: 2, RefundOutcome.SUCCEEDED: 3, RefundOutcome.FAILED: 4}
UNHEARD_OF = 5


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, "sha256").digest()).decode()


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a shop whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "CLIENT_ID": "11000067",
        "SECRET": SECRET,
        "MERCHANT_EXT_ID": "HUB",
        "STORE_EXT_ID": "HUB01",
        "AMOUNT_SCALE": "100",
        "STATEMENTS": str(folder),
    }


def built(section: dict[str, str]) -> Any:
    """The adapter from a section of settings."""
    return load_adapters(["shopeepay"], {"shopeepay": section})["shopeepay"]


def a_transaction(**changes: Any) -> dict[str, Any]:
    """A payment of 150,000 dong, as ShopeePay says it: a hundredfold."""
    plain = {
        "reference_id": ATTEMPT,
        "transaction_type": 13,
        "transaction_sn": TRANSACTION,
        "status": 3,
        "amount": 15_000_000,
        "merchant_ext_id": "HUB",
        "store_ext_id": "HUB01",
        "payment_method": 16,
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def told(fields: object, secret: str = SECRET) -> CallbackRequest:
    body = json.dumps(fields).encode()
    headers = {"x-airpay-req-h": signature(body, secret), "x-airpay-clientid": "11000067"}
    return CallbackRequest("POST", "/callbacks/shopeepay", b"", headers, body, NOON)


def answered(fields: dict[str, Any], secret: str | None = None) -> dict[str, Any]:
    """An answer of errcode 0, signed where a secret is given."""
    body = json.dumps({"errcode": 0, "debug_msg": "success", **fields})
    return {"body": body, "headers": {"X-Airpay-Req-H": signature(body.encode(), secret)} if secret else {}}
