"""What MoMo sends and answers, made with Python's own hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import ATTEMPT, NOON
from tests.banks.examples import REFUND as REFUND_REFERENCE

URL = "https://momo.test"
CREATE, QUERY, REFUND, CONFIRM = (
    f"{URL}/v2/gateway/api/{verb}" for verb in ("create", "query", "refund", "confirm")
)
PARTNER, ACCESS_KEY, SECRET = "MOMOTEST", "F8BBA842ECF85", "hub-momo-test-secret-0001"
NUMBER, REFUND_NUMBER = 4088878653, 4088878699
PAGE = "https://test-payment.momo.vn/v2/gateway/pay?t=TU9NTw&s=7a3f"
DEEPLINK = "momo://app?action=payWithApp&isScanQR=false&sid=TU9NTw&v=3.0"

STATEMENT = (
    "MA_GIAO_DICH,MA_DON_HANG,TEN_KHACH_HANG,SO_DIEN_THOAI,SO_TIEN,NGAY_GIAO_DICH,TRANG_THAI\n"
    f"{NUMBER},{ATTEMPT},,,150000,22/11/2026 12:00:00,0\n"
    "4088878654,K0-1,,,70000,22/11/2026 12:01:00,Thất bại\n"
    "4088878655,typed by hand,,,5000,22/11/2026 23:59:59,Thành công\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a partner whose files are dropped into ``folder``."""
    return {
        "URL": URL,
        "PARTNER_CODE": PARTNER,
        "ACCESS_KEY": ACCESS_KEY,
        "SECRET": SECRET,
        "PUBLIC_URL": "https://hub.test",
        "STATEMENTS": str(folder),
    }


def a_notice(**changes: Any) -> dict[str, Any]:
    """The fields of a payment of 150,000 dong made at noon."""
    return {
        "partnerCode": PARTNER,
        "orderId": ATTEMPT,
        "requestId": f"{ATTEMPT}.create",
        "amount": 150_000,
        "orderInfo": "Le phi",
        "orderType": "momo_wallet",
        "transId": NUMBER,
        "resultCode": 0,
        "message": "Thành công.",
        "payType": "qr",
        "responseTime": int(NOON.timestamp()) * 1000,
        "extraData": "",
    } | changes


def raw(fields: Mapping[str, Any], access_key: str = ACCESS_KEY) -> str:
    """What is signed: everything but the signature itself and what is not text, with the access key."""
    signed = {"accessKey": access_key, **fields}
    return "&".join(f"{name}={signed[name]}" for name in sorted(signed))


def signed(fields: Mapping[str, Any], secret: str = SECRET, access_key: str = ACCESS_KEY) -> dict[str, Any]:
    """The fields with their signature."""
    message = raw(fields, access_key).encode()
    return {**fields, "signature": hmac.new(secret.encode(), message, "sha256").hexdigest()}


def told(fields: Mapping[str, Any]) -> CallbackRequest:
    """The notice with these fields."""
    body = json.dumps(fields, ensure_ascii=False).encode()
    return CallbackRequest("POST", "/callbacks/momo", b"", {}, body, NOON)


def answering(code: int, *, status: int = 200, **more: Any) -> Callable[..., tuple[int, dict[str, str], str]]:
    """MoMo's answer to whatever is asked: it repeats partner, order and request."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked = json.loads(request.body or b"{}")
        said = {name: asked[name] for name in ("partnerCode", "orderId", "requestId")}
        said |= {"resultCode": code, "message": "x", "responseTime": 1_795_323_600_000}
        return status, {}, json.dumps({name: it for name, it in (said | more).items() if it is not None})

    return answer


def opened(**more: Any) -> Callable[..., tuple[int, dict[str, str], str]]:
    """The good answer to an opening."""
    plain: dict[str, Any] = {"amount": 150_000, "payUrl": PAGE, "deeplink": DEEPLINK, "qrCodeUrl": DEEPLINK}
    return answering(0, **plain | more)


def listing(code: int, **changes: Any) -> Any:
    """An answer about the payment that lists one refund with ``code``."""
    entry = {"orderId": REFUND_REFERENCE, "amount": 150_000, "resultCode": code, "transId": REFUND_NUMBER}
    other = {"orderId": "RF-another", "amount": 1000, "resultCode": 1080, "transId": 1}
    return answering(0, amount=150_000, transId=NUMBER, refundTrans=[other, entry | changes])
