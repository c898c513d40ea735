"""Viettel Money's side: the page behind a signed address, the question before it, results, queries and refunds."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

from bank_adapters.simulators.callbacks import send_request
from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

MERCHANT, PAYER = "HUB", "84900000000"
ACCESS, SECRET = "trial-access-code", "trial-hash-key-of-viettel"
RESULTS = {"PAID": ("1", "00"), "DECLINED": ("5", "V06"), "PENDING": ("0", "00")}
INQUIRY = ("billcode", "merchant_code", "order_id", "trans_amount")
REFUNDS = {"SUCCEEDED": "00", "FAILED": "17", "PENDING": "813"}


class ViettelMoneySimulator(Simulator):
    """The wallet's gateway."""

    name = "viettelmoney"
    retries: ClassVar[tuple[float, ...]] = (60.0, 300.0, 900.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """One trial account; its secrets are known to both sides."""
        return {
            "PAY_URL": f"{url}/PaymentGateway/payment",
            "API_URL": f"{url}/PaymentAPI/webresources/postData",
            "MERCHANT_CODE": MERCHANT,
            "ACCESS_SECRET": ACCESS,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
            "TRANSACTION_DIGITS": "13",
            "READ_SECONDS": "2",
        }

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The signed address, once the partner has confirmed the order."""
        if request.path != "/PaymentGateway/payment":
            return None
        given = dict(parse_qsl(request.query.decode()))
        names = ("billcode", "command", "merchant_code", "order_id", "trans_amount", "version")
        genuine = given.get("check_sum") == signed(*(given.get(name, "") for name in names))
        if not genuine or given["merchant_code"] != MERCHANT or not self._confirmed(given):
            return None
        return self.book.remember(Payment(given["order_id"], int(given["trans_amount"]), dict(given)))

    def receive(self, request: WireRequest) -> WireReply:
        """Queries and refunds, each a signed form."""
        if (request.method, request.path) != ("POST", "/PaymentAPI/webresources/postData"):
            return WireReply(404)
        params = dict(parse_qsl(request.body.decode()))
        payment = self.book.find(params.get("order_id", ""))
        match params.get("cmd"):
            case "TRANS_INQUIRY":
                return self._queried(params, payment)
            case "REFUND_PAYMENT":
                return self._refunded(params, payment)
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The result, signed over everything in it."""
        status, code = RESULTS[payment.outcome]
        fields = {
            "billcode": payment.opened.get("billcode", payment.reference),
            "cust_msisdn": PAYER,
            "error_code": code,
            "merchant_code": MERCHANT,
            "order_id": payment.reference,
            "payment_status": status,
            "trans_amount": str(payment.amount),
            "vt_transaction_id": payment.transaction_id,
        }
        return [self._form(self.callback_url, fields)]

    def accepts(self, reply: WireReply) -> bool:
        """Our own order under the partner's signature, and no error."""
        if reply.status != 200:
            return False
        message = json.loads(reply.body)
        names = ("error_code", "merchant_code", "order_id")
        return (message["error_code"], message["check_sum"]) == (
            "00",
            signed(*(message[name] for name in names)),
        )

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The payments of the day, in our own form."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},1")
        return "\n".join(rows) + "\n"

    def inquiry(self, params: Mapping[str, str]) -> WireRequest:
        """verify: whether this order may be paid."""
        return self._form(f"{self.callback_url}/inquiry", params)

    def _confirmed(self, given: Mapping[str, str]) -> bool:
        """Query the partner whether this may be paid. Without any answer, it may."""
        params = {name: given[name] for name in INQUIRY}
        reply = send_request(self.inquiry(params), self.hub_url)
        if reply.status != 200:
            return reply.status == 0
        message = json.loads(reply.body)
        names = ("billcode", "error_code", "merchant_code", "order_id", "trans_amount")
        same = all(message[name] == params[name] for name in params)
        return (
            same
            and message["error_code"] == "00"
            and message["check_sum"] == signed(*(message[name] for name in names))
        )

    def _queried(self, params: Mapping[str, str], payment: Payment | None) -> WireReply:
        names = ("cmd", "merchant_code", "order_id", "version")
        if params.get("check_sum") != signed(*(params[name] for name in names)):
            return self._answer(
                {"error_code": "V01", "merchant_code": MERCHANT, "order_id": "", "version": "2.0"}
            )
        status, code = ("-1", "00") if payment is None else RESULTS[payment.outcome]
        transaction = "" if payment is None else payment.transaction_id
        message = {"error_code": code, "merchant_code": MERCHANT, "order_id": params["order_id"]}
        return self._answer(
            {**message, "payment_status": status, "version": "2.0", "vt_transaction_id": transaction}
        )

    def _refunded(self, params: Mapping[str, str], payment: Payment | None) -> WireReply:
        names = (
            "cmd",
            "merchant_code",
            "order_id",
            "originalRequestId",
            "refundType",
            "trans_amount",
            "version",
        )
        code = "M01"
        if params.get("check_sum") == signed(*(params[name] for name in names)):
            code = self._refund_code(params, payment)
        message = {
            "error_code": code,
            "merchant_code": MERCHANT,
            "order_id": params["order_id"],
            "version": "2.0",
        }
        return self._answer(message)

    def _refund_code(self, params: Mapping[str, str], payment: Payment | None) -> str:
        if payment is None or payment.transaction_id != params["originalRequestId"]:
            return "KG3"
        if payment.outcome != "PAID":
            return "485"
        if params["refundType"] != "0" or params["trans_amount"] != str(payment.amount):
            return "KG8"
        with self.book.lock:
            if any(refund.state != "FAILED" for refund in payment.refunds):
                return "176"
            refund = self.book.new_refund(payment.reference, payment.amount, "SUCCEEDED")
            payment.refunds.append(refund)
        return REFUNDS[refund.state]

    def _form(self, address: str, fields: Mapping[str, str]) -> WireRequest:
        """A form signed over the values in the order of their names."""
        fields = self.overridden(fields)
        check_sum = signed(*(fields[name] for name in sorted(fields)))
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return WireRequest(
            "POST", address, b"", headers, urlencode({**fields, "check_sum": check_sum}).encode()
        )

    def _answer(self, answer: Mapping[str, str]) -> WireReply:
        fields = self.overridden(answer)
        check_sum = signed(*(fields[name] for name in sorted(fields)))
        return WireReply(200, json.dumps({**fields, "check_sum": check_sum}).encode())


SIMULATOR = ViettelMoneySimulator


def signed(*values: str, secret: str | None = None) -> str:
    """check_sum over ``values``, in the order of their names."""
    message = "".join((ACCESS, *values)).encode()
    return base64.b64encode(
        hmac.digest((SECRET if secret is None else secret).encode(), message, "sha1")
    ).decode()
