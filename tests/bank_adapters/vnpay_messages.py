"""What VNPAY sends, made with Python's own encoder and hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
from pathlib import Path
from urllib.parse import urlencode

from payment_hub.domain.bank_port import CallbackRequest
from tests.bank_adapters.examples import ATTEMPT, NOON

SECRET, TERMINAL = "HUBTESTSECRETHUBTESTSECRET123456", "DEMOTMN1"
API = "https://vnpay.test/merchant_webapi/api/transaction"

HEADING = "THOI_GIAN_GD,MA_GIAO_DICH,SO_HOA_DON,MA_DON_HANG,NGAN_HANG,TRANG_THAI,SO_TIEN_TRUOC_KM\n"
STATEMENT = (
    HEADING
    + f"22/11/2026 12:00:00,14422574,,{ATTEMPT},NCB,00,150000\n"
    + "22/11/2026 12:01:00,14422575,,K0-1,NCB,02,70000\n"
    + "22/11/2026 23:59:59,14422576,,typed by hand,VCB,00,5000\n"
)


def an_ipn(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong made at noon, as VNPAY names them."""
    return {
        "vnp_Amount": "15000000",
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": "VNP14422574",
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": "Le phi ho so 000.00.01: 2026",
        "vnp_PayDate": "20261122120000",
        "vnp_ResponseCode": "00",
        "vnp_TmnCode": TERMINAL,
        "vnp_TransactionNo": "14422574",
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": ATTEMPT,
    } | changes


def signed(fields: dict[str, str], secret: str = SECRET, digest: str = "sha512") -> str:
    """The raw query with its hash, as Python's own form encoder and hmac make it."""
    query = urlencode(sorted((name, value) for name, value in fields.items() if value))
    return f"{query}&vnp_SecureHash={hmac.new(secret.encode(), query.encode(), digest).hexdigest()}"


def called_back(query: str) -> CallbackRequest:
    """The IPN with this query."""
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a terminal whose files are dropped into ``folder``."""
    pay = "https://vnpay.test/paymentv2/vpcpay.html"
    return {"PAY_URL": pay, "API_URL": API, "TMN_CODE": TERMINAL, "SECRET": SECRET, "STATEMENTS": str(folder)}
