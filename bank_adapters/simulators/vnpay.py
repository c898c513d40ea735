"""VNPAY as the hub meets it: the payment page, the IPN by GET, and the interface for queries and refunds."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from bank_adapters.simulators.simulator import VIETNAM, Payment, Refund, Simulator, WireReply, WireRequest

TERMINAL = "HUBTRIAL"
SECRET = "TRIALSECRETOFTHEHUBATVNPAY000001"  # noqa: S105

PAY_PAGE = "/paymentv2/vpcpay.html"
INTERFACE = "/merchant_webapi/api/transaction"

REQUEST_FIELDS = {
    "querydr": "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo",
    "refund": "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy"
    " CreateDate IpAddr OrderInfo",
}
ANSWERED = {
    "refund": "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo",
    "querydr": "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount",
}
STATUS = {"PENDING": "01", "PAID": "00", "DECLINED": "02"}
REFUND_STATUS = {"PENDING": "05", "SUCCEEDED": "00", "FAILED": "09"}
COLUMNS = (
    "THOI_GIAN_GD,MA_GIAO_DICH,SO_HOA_DON,SO_HOP_DONG,MA_DON_HANG,SO_DIEN_THOAI,TEN_KHACH_HANG,SO_TAI_KHOAN,"
    "THONG_TIN_DAT_HANG,NGAN_HANG,LOAI_THE,TRANG_THAI,THOI_GIAN_DOI_SOAT,GHI_CHU,DIEM_THU,SO_TIEN_TRUOC_KM"
)


class VnpaySimulator(Simulator):
    """One terminal at VNPAY."""

    name = "vnpay"
    retries: ClassVar[tuple[float, ...]] = (300.0,) * 10

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """Both addresses and the terminal."""
        return {
            "PAY_URL": f"{url}{PAY_PAGE}",
            "API_URL": f"{url}{INTERFACE}",
            "TMN_CODE": TERMINAL,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The citizen arrives with a signed query."""
        if (request.method, request.path) != ("GET", PAY_PAGE):
            return None
        fields = dict(parse_qsl(request.query.decode(), keep_blank_values=True))
        given = fields.pop("vnp_SecureHash", "")
        genuine = hmac.compare_digest(hashed(encoded(fields)), given.lower())
        if not genuine or (fields["vnp_TmnCode"], fields["vnp_Command"]) != (TERMINAL, "pay"):
            return None
        return self.book.remember(
            Payment(fields["vnp_TxnRef"], int(fields["vnp_Amount"]) // 100, opened=fields)
        )

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The IPN, once something is decided."""
        if payment.outcome == "PENDING":
            return []
        return [WireRequest("GET", self.callback_url, signed(self.overridden(_result(payment))).encode())]

    def accepts(self, reply: WireReply) -> bool:
        """00 and 02 end it."""
        try:
            return reply.status == 200 and json.loads(reply.body)["RspCode"] in ("00", "02")
        except (ValueError, KeyError, TypeError):
            return False

    def return_url(self, payment: Payment) -> str | None:
        """The address that the hub gave, with the same fields as the IPN."""
        return f"{payment.opened['vnp_ReturnUrl']}?{signed(self.overridden(_result(payment)))}"

    def receive(self, request: WireRequest) -> WireReply:
        """querydr and refund."""
        if (request.method, request.path) != ("POST", INTERFACE):
            return super().receive(request)
        params = json.loads(request.body)
        command = params.get("vnp_Command")
        if command not in REQUEST_FIELDS:
            return self._answer("querydr", params, "03")
        if not hmac.compare_digest(
            hashed(_joined(params, REQUEST_FIELDS[command])), str(params.get("vnp_SecureHash"))
        ):
            return self._answer(command, params, "97")
        if params["vnp_TmnCode"] != TERMINAL:
            return self._answer(command, params, "02")
        payment = self.book.find(params["vnp_TxnRef"])
        if payment is None or payment.opened["vnp_CreateDate"] != params["vnp_TransactionDate"]:
            return self._answer(command, params, "91")
        return self._refund(params, payment) if command == "refund" else self._last_movement(params, payment)

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """Every paid payment of the day, dong as they are."""
        lines = [COLUMNS]
        for payment in payments:
            line = dict.fromkeys(COLUMNS.split(","), "")
            line["THOI_GIAN_GD"] = _vietnam(payment.paid_at, "%d/%m/%Y %H:%M:%S")
            line["MA_GIAO_DICH"], line["MA_DON_HANG"] = payment.transaction_id, payment.reference
            line["TRANG_THAI"], line["SO_TIEN_TRUOC_KM"] = "00", str(payment.amount)
            lines.append(",".join(line.values()))
        return "\n".join(lines) + "\n"

    def _refund(self, params: dict[str, str], payment: Payment) -> WireReply:
        amount = int(params["vnp_Amount"]) // 100
        if payment.outcome != "PAID":
            return self._answer("refund", params, "95")
        if any(refund.reference == params["vnp_RequestId"] for refund in payment.refunds):
            return self._answer("refund", params, "94")
        if amount > payment.remaining() or (params["vnp_TransactionType"] == "02") != (
            amount == payment.amount
        ):
            return self._answer("refund", params, "99")
        refund = self.book.new_refund(
            params["vnp_RequestId"],
            amount,
            number=str(self.book.next_number()),
            type=params["vnp_TransactionType"],
            at=self.book.now(),
        )
        payment.refunds.append(refund)
        return self._answer("refund", params, "00", **_movement(payment, refund))

    def _last_movement(self, params: dict[str, str], payment: Payment) -> WireReply:
        refund = payment.refunds[-1] if payment.refunds else None
        return self._answer("querydr", params, "00", **_movement(payment, refund))

    def _answer(self, command: str, params: dict[str, Any], code: str, **more: str) -> WireReply:
        fields = {
            "vnp_ResponseId": hashlib.sha256(f"{params.get('vnp_RequestId')}".encode()).hexdigest()[:32],
            "vnp_Command": command,
            "vnp_ResponseCode": code,
            "vnp_Message": f"Answer {code}",
            "vnp_TmnCode": TERMINAL,
            "vnp_TxnRef": params.get("vnp_TxnRef", ""),
            **more,
        }
        return WireReply(200, json.dumps(signed_answer(command, self.overridden(fields))).encode())


def _result(payment: Payment) -> dict[str, str]:
    paid = payment.outcome == "PAID"
    return {
        "vnp_TmnCode": TERMINAL,
        "vnp_Amount": f"{payment.amount}00",
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": f"VNP{payment.transaction_id}" if paid else "",
        "vnp_CardType": "ATM",
        "vnp_PayDate": _vietnam(payment.paid_at),
        "vnp_OrderInfo": payment.opened["vnp_OrderInfo"],
        "vnp_TransactionNo": payment.transaction_id if paid else "0",
        "vnp_ResponseCode": "00" if paid else "24",
        "vnp_TransactionStatus": STATUS[payment.outcome],
        "vnp_TxnRef": payment.reference,
    }


def _movement(payment: Payment, refund: Refund | None) -> dict[str, str]:
    """The payment itself, or a refund of it."""
    if refund is None:
        kind, status, amount = "01", STATUS[payment.outcome], payment.amount
        number, moment = payment.transaction_id or "0", payment.paid_at
    else:
        kind, status, amount = refund.opened["type"], REFUND_STATUS[refund.state], refund.amount
        number, moment = refund.opened["number"], refund.opened["at"]
    return {
        "vnp_TransactionType": kind,
        "vnp_TransactionStatus": status,
        "vnp_Amount": f"{amount}00",
        "vnp_TransactionNo": number,
        "vnp_PayDate": _vietnam(moment),
        "vnp_BankCode": "NCB",
        "vnp_OrderInfo": payment.opened["vnp_OrderInfo"],
    }


def signed(fields: dict[str, str]) -> str:
    """The query of the fields that are filled, with its hash."""
    query = encoded(fields)
    return f"{query}&vnp_SecureHash={hashed(query)}"


def signed_answer(command: str, fields: dict[str, Any], secret: str | None = None) -> dict[str, Any]:
    """An answer to ``command`` with its hash; what is absent keeps its place."""
    return {**fields, "vnp_SecureHash": hashed(_joined(fields, ANSWERED[command]), secret)}


def encoded(fields: dict[str, str]) -> str:
    """The query that is signed: the fields that are filled, in the order of their names."""
    return urlencode(sorted((name, value) for name, value in fields.items() if value))


def hashed(text: str, secret: str | None = None) -> str:
    """HMAC-SHA512 in hex."""
    return hmac.new((SECRET if secret is None else secret).encode(), text.encode(), "sha512").hexdigest()


def _joined(fields: dict[str, Any], names: str) -> str:
    values = (fields.get(f"vnp_{name}") for name in names.split())
    return "|".join("" if value is None else str(value) for value in values)


def _vietnam(moment: datetime | None, pattern: str = "%Y%m%d%H%M%S") -> str:
    return (moment + VIETNAM).strftime(pattern) if moment else ""


SIMULATOR = VnpaySimulator
