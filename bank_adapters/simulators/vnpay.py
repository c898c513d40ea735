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

ASKED = {
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
        genuine = hmac.compare_digest(_hash(_query(fields)), given.lower())
        if not genuine or (fields["vnp_TmnCode"], fields["vnp_Command"]) != (TERMINAL, "pay"):
            return None
        return self.book.remember(
            Payment(fields["vnp_TxnRef"], int(fields["vnp_Amount"]) // 100, opened=fields)
        )

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The IPN, once something is decided."""
        if payment.outcome == "PENDING":
            return []
        return [WireRequest("GET", self.callback_url, _signed(_result(payment)).encode())]

    def accepts(self, reply: WireReply) -> bool:
        """00 and 02 end it."""
        try:
            return reply.status == 200 and json.loads(reply.body)["RspCode"] in ("00", "02")
        except (ValueError, KeyError, TypeError):
            return False

    def return_url(self, payment: Payment) -> str | None:
        """The address that the hub gave, with the same fields as the IPN."""
        return f"{payment.opened['vnp_ReturnUrl']}?{_signed(_result(payment))}"

    def receive(self, request: WireRequest) -> WireReply:
        """querydr and refund."""
        if (request.method, request.path) != ("POST", INTERFACE):
            return super().receive(request)
        asked = json.loads(request.body)
        command = asked.get("vnp_Command")
        if command not in ASKED:
            return _answer("querydr", asked, "03")
        if not hmac.compare_digest(_hash(_joined(asked, ASKED[command])), str(asked.get("vnp_SecureHash"))):
            return _answer(command, asked, "97")
        if asked["vnp_TmnCode"] != TERMINAL:
            return _answer(command, asked, "02")
        payment = self.book.find(asked["vnp_TxnRef"])
        if payment is None or payment.opened["vnp_CreateDate"] != asked["vnp_TransactionDate"]:
            return _answer(command, asked, "91")
        return self._refund(asked, payment) if command == "refund" else _last_movement(asked, payment)

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """Every paid payment of the day, dong as they are."""
        lines = [COLUMNS]
        for one in payments:
            line = dict.fromkeys(COLUMNS.split(","), "")
            line["THOI_GIAN_GD"] = _vietnam(one.paid_at, "%d/%m/%Y %H:%M:%S")
            line["MA_GIAO_DICH"], line["MA_DON_HANG"] = one.transaction_id, one.reference
            line["TRANG_THAI"], line["SO_TIEN_TRUOC_KM"] = "00", str(one.amount)
            lines.append(",".join(line.values()))
        return "\n".join(lines) + "\n"

    def _refund(self, asked: dict[str, str], payment: Payment) -> WireReply:
        amount = int(asked["vnp_Amount"]) // 100
        kept = payment.amount - sum(one.amount for one in payment.refunds if one.state != "FAILED")
        if payment.outcome != "PAID":
            return _answer("refund", asked, "95")
        if any(one.reference == asked["vnp_RequestId"] for one in payment.refunds):
            return _answer("refund", asked, "94")
        if amount > kept or (asked["vnp_TransactionType"] == "02") != (amount == payment.amount):
            return _answer("refund", asked, "99")
        refund = self.book.new_refund(
            asked["vnp_RequestId"],
            amount,
            number=str(self.book.next_number()),
            type=asked["vnp_TransactionType"],
            at=self.book.now(),
        )
        payment.refunds.append(refund)
        return _answer("refund", asked, "00", **_movement(payment, refund))


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


def _last_movement(asked: dict[str, str], payment: Payment) -> WireReply:
    refund = payment.refunds[-1] if payment.refunds else None
    return _answer("querydr", asked, "00", **_movement(payment, refund))


def _movement(payment: Payment, refund: Refund | None) -> dict[str, str]:
    """The payment itself, or a refund of it."""
    if refund is None:
        told = ("01", STATUS[payment.outcome], payment.amount, payment.transaction_id or "0", payment.paid_at)
    else:
        number, kind, moment = (refund.opened[name] for name in ("number", "type", "at"))
        told = (kind, REFUND_STATUS[refund.state], refund.amount, number, moment)
    kind, status, amount, number, moment = told
    return {
        "vnp_TransactionType": kind,
        "vnp_TransactionStatus": status,
        "vnp_Amount": f"{amount}00",
        "vnp_TransactionNo": number,
        "vnp_PayDate": _vietnam(moment),
        "vnp_BankCode": "NCB",
        "vnp_OrderInfo": payment.opened["vnp_OrderInfo"],
    }


def _answer(command: str, asked: dict[str, Any], code: str, **more: str) -> WireReply:
    fields = {
        "vnp_ResponseId": hashlib.sha256(f"{asked.get('vnp_RequestId')}".encode()).hexdigest()[:32],
        "vnp_Command": command,
        "vnp_ResponseCode": code,
        "vnp_Message": f"Answer {code}",
        "vnp_TmnCode": TERMINAL,
        "vnp_TxnRef": asked.get("vnp_TxnRef", ""),
        **more,
    }
    fields["vnp_SecureHash"] = _hash(_joined(fields, ANSWERED[command]))
    return WireReply(200, json.dumps(fields).encode())


def _joined(fields: dict[str, Any], names: str) -> str:
    return "|".join(str(fields.get(f"vnp_{name}", "")) for name in names.split())


def _query(fields: dict[str, str]) -> str:
    return urlencode(sorted((name, value) for name, value in fields.items() if value))


def _signed(fields: dict[str, str]) -> str:
    query = _query(fields)
    return f"{query}&vnp_SecureHash={_hash(query)}"


def _hash(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), "sha512").hexdigest()


def _vietnam(moment: datetime | None, pattern: str = "%Y%m%d%H%M%S") -> str:
    return (moment + VIETNAM).strftime(pattern) if moment else ""


SIMULATOR = VnpaySimulator
