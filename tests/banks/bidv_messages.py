"""What BIDV sends, made with hashlib alone, for the tests of the adapter."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import NOON, ORDER

SERVICE, SECRET, TOKEN = "HUB001", "hub-bidv-checksum-secret", "hub-bidv-bearer-token-0001"
BEARER = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}

HEADING = "booked_at,transaction_id,reference,amount,status\n"
STATEMENT = (
    HEADING
    + f"2026-11-22 12:00:00,BIDV000001,{ORDER},150000,PAID\n"
    + "2026-11-22 12:01:00,BIDV000002,DV0-1,70000,FAILED\n"
    + "2026-11-22 23:59:59,BIDV000003,typed by hand,5000,PAID\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a service whose files are dropped into ``folder``."""
    return {"SERVICE_ID": SERVICE, "SECRET": SECRET, "TOKEN_SECRET": TOKEN, "STATEMENTS": str(folder)}


def md5(*values: str, secret: str = SECRET) -> str:
    """The checksum over ``values``."""
    return hashlib.md5("".join((secret, *values)).encode(), usedforsecurity=False).hexdigest()


def a_getbill(customer: str = ORDER, **changes: object) -> dict[str, object]:
    """A question about a customer."""
    signed = {"customer_id": customer, "service_id": SERVICE, "checksum": md5(SERVICE, customer)}
    return signed | changes


def a_paybill(
    trans: str = "BIDV000001", bill: str = ORDER, amount: str = "150000", **changes: object
) -> dict[str, object]:
    """The word that a bill was paid at noon."""
    return {
        "trans_id": trans,
        "trans_date": "20261122120000",
        "customer_id": ORDER,
        "service_id": SERVICE,
        "bill_id": bill,
        "amount": amount,
        "additionalData1": "",
        "additionalData2": "",
        "checksum": md5(trans, bill, amount),
    } | changes


def sent(fields: object, path: str = "/callbacks/bidv", **headers: str) -> CallbackRequest:
    """The message with these fields."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return CallbackRequest("POST", path, b"", BEARER | headers, body, NOON)


def asked(fields: object, **headers: str) -> CallbackRequest:
    """The same, at the address for questions."""
    return sent(fields, "/callbacks/bidv/inquiry", **headers)
