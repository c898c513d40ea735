"""What OnePay sends, made with Python's own encoder and hmac, for the tests of the adapter."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bank_adapters import load_adapters
from bank_adapters.onepay import OnePay
from payment_hub.domain.banks.values import CallbackRequest
from tests.banks.examples import ATTEMPT, NOON, ORDER

SECRET, MERCHANT, ACCESS_CODE = "A3EFDFABA8653DF2342E8DAC29B51AF0", "HUBTEST", "D67342C2"
PAGE = "https://onepay.test/paygate/vpcpay.op"
QUERIES = "https://onepay.test/msp/api/v1/vpc/invoices/queries"

HEADING = (
    "BANK_ID,MERCHANT_ID,TRAN_DATE,TRANSACTION_ID,MERCHANT_TRANS_REF,ORDER_REF,AMOUNT,TRANSACTION_STATE\n"
)
STATEMENT = (
    HEADING
    + f"970436,{MERCHANT},22/11/2026 12:00:00,1625746,{ATTEMPT},x,150000,0\n"
    + f"970436,{MERCHANT},22/11/2026 12:01:00,1625747,K0-1,x,70000,99\n"
    + f"970436,{MERCHANT},22/11/2026 23:59:59,1625748,typed by hand,x,5000,0\n"
)


def a_result(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong, as OnePay names them."""
    return {
        "vpc_AdditionData": "970436",
        "vpc_Amount": "15000000",
        "vpc_Command": "pay",
        "vpc_CurrencyCode": "VND",
        "vpc_Locale": "vn",
        "vpc_MerchTxnRef": ATTEMPT,
        "vpc_Merchant": MERCHANT,
        "vpc_OrderInfo": f"Thanh toan {ORDER}",
        "vpc_TransactionNo": "1625746",
        "vpc_TxnResponseCode": "0",
        "vpc_Version": "2",
    } | changes


def signature(fields: dict[str, str], secret: str = SECRET) -> str:
    """The hash as OnePay writes it."""
    told = [(name, value) for name, value in sorted(fields.items()) if value and name[:4] in ("vpc_", "user")]
    text = "&".join(f"{name}={value}" for name, value in told)
    return hmac.new(bytes.fromhex(secret), text.encode(), "sha256").hexdigest().upper()


def signed(fields: dict[str, str], secret: str = SECRET) -> str:
    """The raw query with its hash."""
    return urlencode({**fields, "vpc_SecureHash": signature(fields, secret)})


def answered(fields: dict[str, str], secret: str = SECRET) -> dict[str, Any]:
    """An answer to queryDR, as words for ``responses``."""
    return {"body": signed(fields, secret), "content_type": "text/plain"}


def called_back(query: str, method: str = "GET") -> CallbackRequest:
    """The IPN with this query, or with it as a form."""
    raw = query.encode()
    posted = method == "POST"
    return CallbackRequest(
        method, "/callbacks/onepay", b"" if posted else raw, {}, raw if posted else b"", NOON
    )


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a merchant whose files are dropped into ``folder``."""
    return {
        "PAY_URL": PAGE,
        "QUERY_URL": QUERIES,
        "MERCHANT": MERCHANT,
        "ACCESS_CODE": ACCESS_CODE,
        "SECRET": SECRET,
        "QUERY_USER": "op01",
        "QUERY_PASSWORD": "op-pass-word",
        "STATEMENTS": str(folder),
    }


def a_onepay(section: dict[str, str]) -> OnePay:
    """The adapter from its settings."""
    adapter = load_adapters(["onepay"], {"onepay": section})["onepay"]
    assert isinstance(adapter, OnePay)
    return adapter
