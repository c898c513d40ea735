"""MoMo's side: create, query, refund and confirm, each answered by resultCode; callbacks and returns signed with the
access key that they do not carry."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bank_adapters.simulators.simulator import VIETNAM, Payment, Refund, Simulator, WireReply, WireRequest

PARTNER, ACCESS_KEY = "MOMOHUB", "TrialAccessKey01"
SECRET = "trial-secret-of-momo-0123456789"  # noqa: S105

#: What each request must carry and signs.
SIGNED = {
    "create": "amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType",
    "query": "orderId partnerCode requestId",
    "refund": "amount description orderId partnerCode requestId transId",
    "confirm": "amount description orderId partnerCode requestId requestType",
}
CALLBACK = (
    "amount extraData message orderId orderInfo orderType partnerCode"
    " payType requestId responseTime resultCode transId"
)
ORDER = re.compile(r"[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*")
MESSAGES = {
    0: "Thành công.",
    1000: "Giao dịch đang chờ người dùng xác nhận.",
    9000: "Giao dịch đã được xác nhận.",
}


class MomoSimulator(Simulator):
    """The wallet. Money of a payment without autoCapture is held until /confirm."""

    name = "momo"

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """One partner, with trial keys."""
        return {
            "URL": url,
            "PARTNER_CODE": PARTNER,
            "ACCESS_KEY": ACCESS_KEY,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """What is not signed is answered with 13."""
        verb = request.path.removeprefix("/v2/gateway/api/")
        if request.method != "POST" or verb not in SIGNED:
            return WireReply(404)
        params = json.loads(request.body)
        if params.get("partnerCode") != PARTNER or not genuine(params, SIGNED[verb]):
            return self._answer(params, 13)
        if (
            not ORDER.fullmatch(params["orderId"])
            or max(len(params["orderId"]), len(params["requestId"])) > 50
        ):
            return self._answer(params, 20)
        routes = {
            "create": self._create,
            "query": self._query,
            "refund": self._refund,
            "confirm": self._confirm,
        }
        return routes[verb](params)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """One POST to the path of the ipnUrl that the opening named."""
        body = json.dumps(self._result(payment), ensure_ascii=False).encode()
        return [WireRequest("POST", urlsplit(payment.opened["ipnUrl"]).path, body=body)]

    def accepts(self, reply: WireReply) -> bool:
        """204 and nothing else."""
        return reply.status == 204 and not reply.body

    def return_url(self, payment: Payment) -> str | None:
        """The redirectUrl with the callback's fields."""
        back = payment.opened["redirectUrl"]
        return f"{back}{'&' if '?' in back else '?'}{urlencode(self._result(payment))}"

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """MoMo's own columns."""
        rows = ["MA_GIAO_DICH,MA_DON_HANG,TEN_KHACH_HANG,SO_DIEN_THOAI,SO_TIEN,NGAY_GIAO_DICH,TRANG_THAI"]
        for payment in payments:
            if payment.paid_at and result_of(payment) == 0:
                booked = (payment.paid_at + VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
                rows.append(f"{payment.transaction_id},{payment.reference},,,{payment.amount},{booked},0")
        return "\n".join(rows) + "\n"

    def _create(self, params: Mapping[str, Any]) -> WireReply:
        if not 1_000 <= params["amount"] <= 50_000_000:
            return self._answer(params, 22)
        if "?" in params["ipnUrl"] or params["requestType"] != "captureWallet":
            return self._answer(params, 20)
        payment = self.book.remember(Payment(params["orderId"], params["amount"], dict(params)))
        if payment.opened["requestId"] != params["requestId"]:
            return self._answer(params, 41)
        if payment.opened["signature"] != params["signature"]:
            return self._answer(params, 40)
        return self._answer(
            params,
            0,
            amount=payment.amount,
            payUrl=f"{self.page_of(payment)}?t=trial&s=1",
            deeplink=f"momo://app?action=payWithApp&isScanQR=false&sid={payment.reference}&v=3.0",
            qrCodeUrl=qr_text(payment),
        )

    def _query(self, params: Mapping[str, Any]) -> WireReply:
        payment = self.book.find(params["orderId"])
        if payment is None:
            return self._answer(params, 42)
        return self._answer(
            params,
            result_of(payment),
            extraData="",
            amount=payment.amount,
            transId=int(payment.transaction_id or 0),
            payType="qr",
            refundTrans=[refund_entry(refund) for refund in payment.refunds],
        )

    def _refund(self, params: Mapping[str, Any]) -> WireReply:
        number = str(params["transId"])
        payment = next((one for one in self.book.payments() if one.transaction_id == number), None)
        if self.book.find(params["orderId"]):
            return self._answer(params, 41)
        if payment is None or result_of(payment) != 0:
            return self._answer(params, 1088)
        with self.book.lock:
            refund = next((one for one in payment.refunds if one.reference == params["orderId"]), None)
            if refund is None:
                if not 1_000 <= params["amount"] <= payment.remaining():
                    return self._answer(params, 1081, amount=params["amount"], transId=0)
                facts = {"transId": self.book.next_number(), "createdTime": milliseconds(self.book.now())}
                refund = self.book.new_refund(params["orderId"], params["amount"], "SUCCEEDED", **facts)
                payment.refunds.append(refund)
        entry = refund_entry(refund)
        return self._answer(params, entry["resultCode"], amount=refund.amount, transId=entry["transId"])

    def _confirm(self, params: Mapping[str, Any]) -> WireReply:
        payment = self.book.find(params["orderId"])
        if payment is None:
            return self._answer(params, 42)
        if params["amount"] != payment.amount:
            return self._answer(params, 22)
        with self.book.lock:
            if result_of(payment) == 9000:
                payment.opened["confirmed"] = params["requestType"]
        if payment.opened.get("confirmed") != params["requestType"]:
            return self._answer(params, result_of(payment) or 20)
        self.book.notify(payment)
        return self._answer(params, 0, amount=payment.amount, transId=int(payment.transaction_id))

    def _result(self, payment: Payment) -> dict[str, Any]:
        code = result_of(payment)
        message = {
            "partnerCode": PARTNER,
            "orderId": payment.reference,
            "requestId": payment.opened["requestId"],
            "amount": payment.amount,
            "orderInfo": payment.opened["orderInfo"],
            "orderType": "momo_wallet",
            "transId": int(payment.transaction_id or 0),
            "resultCode": code,
            "message": MESSAGES.get(code, "Giao dịch thất bại."),
            "payType": "qr",
            "responseTime": milliseconds(payment.paid_at or self.book.now()),
            "extraData": payment.opened["extraData"],
        }
        message = self.overridden(message)
        return {**message, "signature": signature(message, CALLBACK)}

    def _answer(self, params: Mapping[str, Any], code: int, **more: Any) -> WireReply:
        message = {name: params.get(name) for name in ("partnerCode", "orderId", "requestId")}
        message |= {
            "responseTime": milliseconds(self.book.now()),
            "message": MESSAGES.get(code, str(code)),
            "resultCode": code,
        }
        return WireReply(
            400 if 10 <= code <= 47 else 200, json.dumps(self.overridden({**message, **more})).encode()
        )


SIMULATOR = MomoSimulator


def signature(fields: Mapping[str, Any], names: str) -> str:
    """HMAC over the named fields and the access key, in the order of names, values raw."""
    pairs = sorted({"accessKey": ACCESS_KEY, **{name: fields[name] for name in names.split()}}.items())
    text = "&".join(f"{name}={value}" for name, value in pairs)
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def genuine(fields: Mapping[str, Any], names: str) -> bool:
    """Whether a request carries the signature of what it says."""
    return hmac.compare_digest(signature(fields, names), str(fields.get("signature")))


def result_of(payment: Payment) -> int:
    """The payment's resultCode."""
    if payment.outcome != "PAID":
        return 1006 if payment.outcome == "DECLINED" else 1000
    if payment.opened.get("autoCapture", True):
        return 0
    return {"capture": 0, "cancel": 1003}.get(payment.opened.get("confirmed", ""), 9000)


def refund_entry(refund: Refund) -> dict[str, Any]:
    """One entry of refundTrans."""
    code = {"SUCCEEDED": 0, "FAILED": 1080}.get(refund.state, 7002)
    return {"orderId": refund.reference, "amount": refund.amount, "resultCode": code, **refund.opened}


def qr_text(payment: Payment) -> str:
    """A transfer to the wallet's collecting account, as a banking app reads it."""
    account = field("00", "A000000727") + field(
        "01", field("00", "971025") + field("01", "PSP000000000000001")
    )
    account += field("02", "QRIBFTTA")
    text = field("00", "01") + field("01", "12") + field("38", account) + field("53", "704")
    text += (
        field("54", str(payment.amount))
        + field("58", "VN")
        + field("62", field("08", payment.reference))
        + "6304"
    )
    return f"{text}{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def field(tag: str, value: str) -> str:
    """Two digits of name, two of length, the value."""
    return f"{tag}{len(value):02}{value}"


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
