"""KeyPay's side: payments with a page, a call when something happened, questions and refunds."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

CLIENT = "HUB01"
KEY_1, KEY_2 = "trial-key-1-of-keypay", "trial-key-2-of-keypay"
STATUSES = {"PAID": "0", "DECLINED": "2", "PENDING": "1"}
REFUNDS = {"SUCCEEDED": "0", "FAILED": "2", "PENDING": "1"}


#: What a request to open a payment signs, and the callback after it.
OPENING = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")


class KeyPaySimulator(Simulator):
    """The intermediary."""

    name = "keypay"
    retries: ClassVar[tuple[float, ...]] = (60.0, 300.0, 900.0)
    signed: ClassVar[bool] = False

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """One trial account; its secrets are known to both sides."""
        return {
            "CREATE_URL": f"{url}/create",
            "DETAIL_URL": f"{url}/detail",
            "REFUND_URL": f"{url}/refund",
            "REFUND_DETAIL_URL": f"{url}/refund-detail",
            "CLIENT_ID": CLIENT,
            "SECRET": KEY_1,
            "SECRET_RECEIVED": KEY_2,
            "DECLINED_STATUS": STATUSES["DECLINED"],
            "REFUNDED_STATUS": REFUNDS["SUCCEEDED"],
            "UNREFUNDED_STATUS": REFUNDS["FAILED"],
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """Create, detail, refund and the refund's detail, each a signed JSON object."""
        if request.method != "POST":
            return WireReply(404)
        params = json.loads(request.body)
        match request.path:
            case "/create":
                return self._created(params)
            case "/detail":
                return self._detail(params)
            case "/refund":
                return self._refunded(params)
            case "/refund-detail":
                return self._refund_detail(params)
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """That something happened: what it was stands there too, but is not signed."""
        fields = {
            "client_id": CLIENT,
            "transaction_id": payment.reference,
            "transaction_code": payment.transaction_id,
            "trans_amount": str(payment.amount),
            "addition_fee": "0",
            "command": "PAY",
            "version": "3.0",
            "status": STATUSES[payment.outcome],
        }
        fields = self.overridden(fields)
        check_sum = signed(KEY_2, *(str(fields[name]) for name in OPENING))
        body = json.dumps({**fields, "check_sum": check_sum}).encode()
        return [WireRequest("POST", self.callback_url, b"", {"content-type": "application/json"}, body)]

    def accepts(self, reply: WireReply) -> bool:
        """return_code 0."""
        return reply.status == 200 and json.loads(reply.body)["return_code"] == 0

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The payments of the day, in our own form."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},PAID")
        return "\n".join(rows) + "\n"

    def _created(self, params: Mapping[str, Any]) -> WireReply:
        if params["check_sum"] != signed(KEY_1, *(params[name] for name in OPENING)):
            return _error("3")
        opened = {"amount": params["trans_amount"], "bill_info": params["bill_info"]}
        payment = self.book.remember(Payment(params["transaction_id"], int(params["trans_amount"]), opened))
        if payment.opened["amount"] != params["trans_amount"]:
            return _error("4")
        payment.transaction_id = payment.transaction_id or str(self.book.next_number())
        return self._data(
            (CLIENT, "PAY", payment.reference),
            transaction_code=payment.transaction_id,
            url_pay=self.page_of(payment),
        )

    def _detail(self, params: Mapping[str, Any]) -> WireReply:
        payment = self._payment_of(params, (CLIENT, params["command"], params["transaction_id"]))
        if payment is None:
            return _error("1")
        return self._data(
            (CLIENT, params["command"], payment.reference),
            transaction_code=payment.transaction_id,
            trans_amount=str(payment.amount),
            status=STATUSES[payment.outcome],
        )

    def _refunded(self, params: Mapping[str, Any]) -> WireReply:
        names = ("amount", "client_id", "command", "reason", "transaction_id")
        values = tuple(params[name] for name in names)
        payment = self._payment_of(params, values)
        if payment is None or payment.outcome != "PAID" or params["amount"] != str(payment.amount):
            return _error("1")
        with self.book.lock:
            if any(refund.state != "FAILED" for refund in payment.refunds):
                return _error("5")
            refund = self.book.new_refund(f"R{self.book.next_number()}", payment.amount)
            payment.refunds.append(refund)
        return self._data(values, transaction_refund_code=refund.reference, status=REFUNDS[refund.state])

    def _refund_detail(self, params: Mapping[str, Any]) -> WireReply:
        code = params["transaction_refund_code"]
        values = (CLIENT, params["command"], code)
        refunds = [refund for payment in self.book.payments() for refund in payment.refunds]
        refund = next((refund for refund in refunds if refund.reference == code), None)
        if params["check_sum"] != signed(KEY_1, *values) or refund is None:
            return _error("1")
        return self._data(values, transaction_refund_code=code, status=REFUNDS[refund.state])

    def _data(self, values: tuple[str, ...], **data: str) -> WireReply:
        """An answer with ``data``; only ``values`` are signed."""
        fields = self.overridden({**data, "check_sum": signed(KEY_2, *values)})
        return WireReply(200, json.dumps({"error": "0", "msg": "success", "data": fields}).encode())

    def _payment_of(self, params: Mapping[str, Any], values: tuple[str, ...]) -> Payment | None:
        genuine = params["client_id"] == CLIENT and params["check_sum"] == signed(KEY_1, *values)
        return self.book.find(params["transaction_id"]) if genuine else None


SIMULATOR = KeyPaySimulator


def signed(key: str, *values: str) -> str:
    """check_sum over ``values``."""
    return hmac.new(key.encode(), "|".join(values).encode(), "sha256").hexdigest()


def _error(code: str) -> WireReply:
    return WireReply(200, json.dumps({"error": code, "msg": "error", "data": None}).encode())
