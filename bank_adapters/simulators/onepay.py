"""OnePay as the hub meets it: the payment page, the IPN by GET, and queryDR."""

from __future__ import annotations

import hmac
from datetime import date
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

MERCHANT = "HUBTRIAL"
ACCESS_CODE = "0A1B2C3D"
SECRET = "5EC2E75EC2E75EC2E75EC2E75EC2E700"  # noqa: S105
ASKER, PASSWORD = "op01", "trial-password"

PAY_PAGE = "/paygate/vpcpay.op"
QUERIES = "/msp/api/v1/vpc/invoices/queries"

CODES = {"PENDING": "100", "PAID": "0", "DECLINED": "99"}
COLUMNS = "BANK_ID,MERCHANT_ID,TRAN_DATE,TRANSACTION_ID,MERCHANT_TRANS_REF,ORDER_REF,AMOUNT,TRANSACTION_STATE"


class OnePaySimulator(Simulator):
    """One merchant at OnePay."""

    name = "onepay"
    retries: ClassVar[tuple[float, ...]] = (50.0,) * 3

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """Both addresses, the merchant, and who may ask."""
        return {
            "PAY_URL": f"{url}{PAY_PAGE}",
            "QUERY_URL": f"{url}{QUERIES}",
            "MERCHANT": MERCHANT,
            "ACCESS_CODE": ACCESS_CODE,
            "SECRET": SECRET,
            "QUERY_USER": ASKER,
            "QUERY_PASSWORD": PASSWORD,
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The citizen arrives with a signed query."""
        if (request.method, request.path) != ("GET", PAY_PAGE):
            return None
        fields = _genuine(request.query)
        if fields is None or fields.get("vpc_Command") != "pay" or fields.get("vpc_Currency") != "VND":
            return None
        return self.book.remember(
            Payment(fields["vpc_MerchTxnRef"], int(fields["vpc_Amount"]) // 100, opened=fields)
        )

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The IPN, once something is decided."""
        if payment.outcome == "PENDING":
            return []
        return [
            WireRequest(
                "GET", self.callback_url, urlencode(signed(self.overridden(_result(payment)))).encode()
            )
        ]

    def accepts(self, reply: WireReply) -> bool:
        """Whatever comes with 200."""
        return reply.status == 200

    def return_url(self, payment: Payment) -> str | None:
        """The address that the hub gave, with the same fields as the IPN."""
        return f"{payment.opened['vpc_ReturnURL']}?{urlencode(signed(self.overridden(_result(payment))))}"

    def receive(self, request: WireRequest) -> WireReply:
        """queryDR: a form, answered by a form."""
        if (request.method, request.path) != ("POST", QUERIES):
            return super().receive(request)
        params = _genuine(request.body)
        if params is None or (params.get("vpc_User"), params.get("vpc_Password")) != (ASKER, PASSWORD):
            return WireReply(401, b"", content_type="text/plain")
        payment = self.book.find(params["vpc_MerchTxnRef"])
        answer = {"vpc_DRExists": "N"} if payment is None else {"vpc_DRExists": "Y", **_result(payment)}
        return WireReply(200, urlencode(signed(self.overridden(answer))).encode(), content_type="text/plain")

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """Every paid payment of the day, dong as they are."""
        lines = [COLUMNS]
        for payment in payments:
            moment = (payment.paid_at + VIETNAM).strftime("%d/%m/%Y %H:%M:%S") if payment.paid_at else ""
            order = payment.opened["vpc_OrderInfo"]
            lines.append(
                f"970436,{MERCHANT},{moment},{payment.transaction_id},{payment.reference},{order},{payment.amount},0"
            )
        return "\n".join(lines) + "\n"


def _result(payment: Payment) -> dict[str, str]:
    return {
        "vpc_Command": "pay",
        "vpc_Version": "2",
        "vpc_Locale": "vn",
        "vpc_Merchant": MERCHANT,
        "vpc_MerchTxnRef": payment.reference,
        "vpc_OrderInfo": payment.opened["vpc_OrderInfo"],
        "vpc_Amount": f"{payment.amount}00",
        "vpc_CurrencyCode": "VND",
        "vpc_TxnResponseCode": CODES[payment.outcome],
        "vpc_TransactionNo": payment.transaction_id,
        "vpc_Message": "Approved" if payment.outcome == "PAID" else "Not approved",
    }


def _genuine(query: bytes) -> dict[str, str] | None:
    """The fields, when they are signed and ours."""
    fields = dict(parse_qsl(query.decode(), keep_blank_values=True))
    genuine = hmac.compare_digest(signature(fields), fields.get("vpc_SecureHash", ""))
    ours = (fields.get("vpc_Merchant"), fields.get("vpc_AccessCode")) == (MERCHANT, ACCESS_CODE)
    return fields if genuine and ours else None


def signed(fields: dict[str, str]) -> dict[str, str]:
    """The fields with their hash."""
    return {**fields, "vpc_SecureHash": signature(fields)}


def signature(fields: dict[str, str], secret: str | None = None) -> str:
    """The hash over the filled fields of OnePay and of the merchant, in the order of their names."""
    names = sorted(name for name, value in fields.items() if value and name.startswith(("vpc_", "user_")))
    text = "&".join(f"{name}={fields[name]}" for name in names if name != "vpc_SecureHash")
    return (
        hmac.new(bytes.fromhex(SECRET if secret is None else secret), text.encode(), "sha256")
        .hexdigest()
        .upper()
    )


SIMULATOR = OnePaySimulator
