"""What VNPAY sends, made with Python's own encoder and hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bank_adapters import load_adapters
from bank_adapters.vnpay import Vnpay
from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import ATTEMPT, NOON

SECRET, TERMINAL = "HUBTESTSECRETHUBTESTSECRET123456", "DEMOTMN1"
API = "https://vnpay.test/merchant_webapi/api/transaction"

#: The values that an answer of the interface signs, and the two more of querydr.
ANSWER = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo"
)
PROMOTION = ["PromotionCode", "PromotionAmount"]

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


def a_movement(command: str, **changes: Any) -> dict[str, Any]:
    """An answer to ``command`` about the payment of 150,000 dong made at noon."""
    return {
        "vnp_ResponseId": "8f1c2a",
        "vnp_Command": command,
        "vnp_ResponseCode": "00",
        "vnp_Message": "Success",
        "vnp_TmnCode": TERMINAL,
        "vnp_TxnRef": ATTEMPT,
        "vnp_Amount": "15000000",
        "vnp_BankCode": "NCB",
        "vnp_PayDate": "20261122120000",
        "vnp_TransactionNo": "14422999",
        "vnp_TransactionType": "01",
        "vnp_TransactionStatus": "00",
        "vnp_OrderInfo": "Le phi",
    } | changes


def answered(fields: dict[str, Any], secret: str = SECRET, *, signed_as: str = "") -> dict[str, Any]:
    """The answer with its checksum, as words for ``responses``; what is absent keeps its place."""
    querydr = (signed_as or fields["vnp_Command"]) != "refund"
    names = [f"vnp_{name}" for name in [*ANSWER.split(), *(PROMOTION if querydr else [])]]
    told = "|".join("" if fields.get(name) is None else str(fields[name]) for name in names)
    checksum = hmac.new(secret.encode(), told.encode(), "sha512").hexdigest()
    return {"json": {**fields, "vnp_SecureHash": checksum}}


def called_back(query: str) -> CallbackRequest:
    """The IPN with this query."""
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a terminal whose files are dropped into ``folder``."""
    pay = "https://vnpay.test/paymentv2/vpcpay.html"
    return {"PAY_URL": pay, "API_URL": API, "TMN_CODE": TERMINAL, "SECRET": SECRET, "STATEMENTS": str(folder)}


def a_vnpay(section: dict[str, str]) -> Vnpay:
    """The adapter from its settings."""
    adapter = load_adapters(["vnpay"], {"vnpay": section})["vnpay"]
    assert isinstance(adapter, Vnpay)
    return adapter
