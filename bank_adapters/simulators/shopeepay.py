"""ShopeePay's side: orders, checks, refunds and callbacks, each signed over its raw bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.simulator import VIETNAM, Payment, Refund, Simulator, WireReply, WireRequest

CLIENT, MERCHANT, STORE = "11000067", "HUB", "HUB01"
SECRET = "trial-secret-of-shopeepay"  # noqa: S105
SCALE = 100
STATUSES = {"PENDING": 2, "PAID": 3, "SUCCEEDED": 3, "DECLINED": 4, "FAILED": 4}


class ShopeePaySimulator(Simulator):
    """The wallet."""

    name = "shopeepay"
    retries: ClassVar[tuple[float, ...]] = (300.0, 300.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The hub's section for this bank, with the secrets of the trial."""
        return {
            "URL": url,
            "CLIENT_ID": CLIENT,
            "SECRET": SECRET,
            "MERCHANT_EXT_ID": MERCHANT,
            "STORE_EXT_ID": STORE,
            "AMOUNT_SCALE": str(SCALE),
            "SIGNED_ANSWERS": "1",
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """Orders, checks and refunds; whatever is not signed is refused."""
        genuine = hmac.compare_digest(signature(request.body), request.headers.get("x-airpay-req-h", ""))
        if not genuine or request.headers.get("x-airpay-clientid") != CLIENT:
            return self._answer({}, 2, "permission denied")
        params = json.loads(request.body)
        if (params["merchant_ext_id"], params["store_ext_id"]) != (MERCHANT, STORE):
            return self._answer(params, 4, "shop not found")
        match request.method, request.path:
            case "POST", "/v3/merchant-host/order/create":
                return self._create(params)
            case "POST", "/v3/merchant-host/transaction/check":
                return self._check(params)
            case "POST", "/v3/merchant-host/transaction/refund/create-new":
                return self._refund(params)
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """One signed message."""
        body = json.dumps(self.overridden(transaction(payment.reference, 13, payment))).encode()
        return [WireRequest("POST", self.callback_url, b"", signed(body), body)]

    def accepts(self, reply: WireReply) -> bool:
        """errcode 0 ends it."""
        return reply.status == 200 and json.loads(reply.body or b"{}").get("errcode") == 0

    def return_url(self, payment: Payment) -> str | None:
        """The hub's own page, unsigned."""
        return payment.opened.get("return_url")

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The collector's file."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},3")
        return "\n".join(rows) + "\n"

    def _create(self, params: Mapping[str, Any]) -> WireReply:
        wrong = params["currency"] != "VND" or params["amount"] % SCALE or params["validity_period"] <= 0
        if wrong or not 1 <= len(params["payment_reference_id"]) <= 64:
            return self._answer(params, 1, "request parameters error")
        opened = Payment(params["payment_reference_id"], params["amount"] // SCALE, dict(params))
        payment = self.book.remember(opened)
        if payment.opened["amount"] != params["amount"]:
            return self._answer(params, 11, "duplicate")
        return self._answer(params, 0, "success", redirect_url_http=self.page_of(payment))

    def _check(self, params: Mapping[str, Any]) -> WireReply:
        reference, kind = params["reference_id"], params["transaction_type"]
        movement: Payment | Refund | None = (
            self.book.find(reference) if kind == 13 else self._refund_of(reference)
        )
        if movement is None:
            return self._answer(params, 7, "transaction not found")
        return self._answer(params, 0, "success", transaction=transaction(reference, kind, movement))

    def _refund(self, params: Mapping[str, Any]) -> WireReply:
        payment, units = self.book.find(params["reference_id"]), params["amount"]
        if payment is None or payment.outcome != "PAID" or units % SCALE or params["transaction_type"] != 13:
            return self._answer(params, 1, "non-refundable transaction type")
        with self.book.lock:
            refund = self._refund_of(params["refund_reference_id"])
            if refund is None:
                if units // SCALE > payment.remaining():
                    return self._answer(params, 304, "more than was paid")
                number = str(self.book.next_number())
                refund = self.book.new_refund(params["refund_reference_id"], units // SCALE, sn=number)
                payment.refunds.append(refund)
        return self._answer(
            params, 0, "success", refund_reference_id=refund.reference, refund_sn=refund.opened["sn"]
        )

    def _refund_of(self, reference: str) -> Refund | None:
        refunds = (refund for payment in self.book.payments() for refund in payment.refunds)
        return next((refund for refund in refunds if refund.reference == reference), None)

    def _answer(self, params: Mapping[str, Any], code: int, text: str, **more: Any) -> WireReply:
        answer = {"request_id": params.get("request_id", ""), "errcode": code, "debug_msg": text, **more}
        body = json.dumps(self.overridden(answer)).encode()
        return WireReply(200, body, signed(body))


SIMULATOR = ShopeePaySimulator


def signature(body: bytes, secret: str | None = None) -> str:
    """What stands in X-Airpay-Req-H."""
    return base64.b64encode(
        hmac.new((SECRET if secret is None else secret).encode(), body, hashlib.sha256).digest()
    ).decode()


def signed(body: bytes) -> dict[str, str]:
    """The two headers."""
    return {"x-airpay-clientid": CLIENT, "x-airpay-req-h": signature(body)}


def transaction(reference: str, kind: int, of: Payment | Refund) -> dict[str, Any]:
    """What ShopeePay says of a payment (13) or a refund (15)."""
    state, number = (
        (of.outcome, of.transaction_id) if isinstance(of, Payment) else (of.state, of.opened["sn"])
    )
    return {
        "reference_id": reference,
        "transaction_type": kind,
        "transaction_sn": number,
        "status": STATUSES[state],
        "amount": of.amount * SCALE,
        "merchant_ext_id": MERCHANT,
        "store_ext_id": STORE,
        "payment_method": 16,
        "payment_channel": 1,
    }
