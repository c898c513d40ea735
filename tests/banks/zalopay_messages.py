"""What ZaloPay sends and answers, made with Python's own hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import ATTEMPT, NOON

URL = "https://zalopay.test"
CREATE, QUERY, REFUND, QUERY_REFUND = (
    f"{URL}/v2/{verb}" for verb in ("create", "query", "refund", "query_refund")
)
APP, KEY1, KEY2 = 2553, "hub-zalopay-key1-asks", "hub-zalopay-key2-tells"
NAMED = f"261122_{ATTEMPT}"
NUMBER, REFUND_NUMBER = 261122000000389, 261122000000777
PAGE = "https://qcgateway.zalopay.vn/openinapp?order=eyJ6cHRyYW5zdG9rZW4iOiJBQyJ9"

STATEMENT = (
    "NGAY_GIAO_DICH,MA_GD_MERCHANT,MA_GD_ZALOPAY,MA_KH,TRANG_THAI_GIAO_DICH,SO_TIEN_GIAO_DICH\n"
    f"22/11/2026 12:00:00,{NAMED},{NUMBER},,1,150000\n"
    "22/11/2026 12:01:00,261122_K0-1,261122000000390,,Thất bại,70000\n"
    "22/11/2026 23:59:59,typed by hand,261122000000391,,Thành công,5000\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of an app whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "APP_ID": str(APP),
        "SECRET": KEY2,
        "REQUEST_SECRET": KEY1,
        "STATEMENTS": str(folder),
    }


def mac(key: str, *values: object) -> str:
    """Values in a row, under a key."""
    return hmac.new(key.encode(), "|".join(map(str, values)).encode(), "sha256").hexdigest()


def an_order(**changes: Any) -> dict[str, Any]:
    """The data of a payment of 150,000 dong made at noon."""
    plain = {
        "app_id": APP,
        "app_trans_id": NAMED,
        "app_time": int(NOON.timestamp()) * 1000 - 60_000,
        "app_user": "payment-hub",
        "amount": 150_000,
        "embed_data": "{}",
        "item": "[]",
        "zp_trans_id": NUMBER,
        "server_time": int(NOON.timestamp()) * 1000,
        "channel": 38,
        "merchant_user_id": "DXp3vtfyygtb2_XdP8yFeA",
        "user_fee_amount": 0,
        "discount_amount": 0,
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def told(data: str | dict[str, Any], /, key: str = KEY2, **more: Any) -> CallbackRequest:
    """The callback with these data."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    body = json.dumps({"data": text, "mac": mac(key, text), "type": 1} | more, ensure_ascii=False)
    return CallbackRequest("POST", "/callbacks/zalopay", b"", {}, body.encode(), NOON)


def a_return(**changes: Any) -> dict[str, Any]:
    """The fields that the citizen's browser brings back, with their checksum."""
    fields = {
        "appid": APP,
        "apptransid": NAMED,
        "pmcid": 38,
        "bankcode": "",
        "amount": 150_000,
        "discountamount": 0,
        "status": 1,
    } | changes
    return {**fields, "checksum": mac(KEY2, *fields.values())}


def answered(code: object, sub: object = 1, **more: Any) -> dict[str, Any]:
    """An answer, as words for ``responses``; a field that is None is left out."""
    said = {
        "return_code": code,
        "return_message": "x",
        "sub_return_code": sub,
        "sub_return_message": "x",
    } | more
    return {"json": {name: value for name, value in said.items() if value is not None}}
