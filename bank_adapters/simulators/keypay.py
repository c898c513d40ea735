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
        asked = json.loads(request.body)
        match request.path:
            case "/create":
                return self._created(asked)
            case "/detail":
                return self._detail(asked)
            case "/refund":
                return self._refunded(asked)
            case "/refund-detail":
                return self._refund_detail(asked)
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """That something happened: what it was stands there too, but is not signed."""
        said = {
            "client_id": CLIENT,
            "transaction_id": payment.reference,
            "transaction_code": payment.transaction_id,
            "trans_amount": str(payment.amount),
            "addition_fee": "0",
            "command": "PAY",
            "version": "3.0",
            "status": STATUSES[payment.outcome],
        }
        check_sum = signed(KEY_2, "0", CLIENT, "PAY", str(payment.amount), payment.reference, "3.0")
        body = json.dumps({**said, "check_sum": check_sum}).encode()
        return [WireRequest("POST", self.callback_url, b"", {"content-type": "application/json"}, body)]

    def accepts(self, reply: WireReply) -> bool:
        """return_code 0."""
        return reply.status == 200 and json.loads(reply.body)["return_code"] == 0

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The payments of the day, in our own form."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for one in payments:
            if one.paid_at:
                booked = (one.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{one.transaction_id},{one.reference},{one.amount},PAID")
        return "\n".join(rows) + "\n"

    def _created(self, asked: Mapping[str, Any]) -> WireReply:
        names = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
        if asked["check_sum"] != signed(KEY_1, *(asked[name] for name in names)):
            return _error("3")
        opened = {"amount": asked["trans_amount"], "bill_info": asked["bill_info"]}
        payment = self.book.remember(Payment(asked["transaction_id"], int(asked["trans_amount"]), opened))
        if payment.opened["amount"] != asked["trans_amount"]:
            return _error("4")
        payment.transaction_id = payment.transaction_id or str(self.book.next_number())
        return _data(
            (CLIENT, "PAY", payment.reference),
            transaction_code=payment.transaction_id,
            url_pay=self.page_of(payment),
        )

    def _detail(self, asked: Mapping[str, Any]) -> WireReply:
        payment = self._known(asked, (CLIENT, asked["command"], asked["transaction_id"]))
        if payment is None:
            return _error("1")
        return _data(
            (CLIENT, asked["command"], payment.reference),
            transaction_code=payment.transaction_id,
            trans_amount=str(payment.amount),
            status=STATUSES[payment.outcome],
        )

    def _refunded(self, asked: Mapping[str, Any]) -> WireReply:
        names = ("amount", "client_id", "command", "reason", "transaction_id")
        values = tuple(asked[name] for name in names)
        payment = self._known(asked, values)
        if payment is None or payment.outcome != "PAID" or asked["amount"] != str(payment.amount):
            return _error("1")
        with self.book.lock:
            if any(one.state != "FAILED" for one in payment.refunds):
                return _error("5")
            refund = self.book.new_refund(f"R{self.book.next_number()}", payment.amount)
            payment.refunds.append(refund)
        return _data(values, transaction_refund_code=refund.reference, status=REFUNDS[refund.state])

    def _refund_detail(self, asked: Mapping[str, Any]) -> WireReply:
        code = asked["transaction_refund_code"]
        values = (CLIENT, asked["command"], code)
        refunds = [refund for payment in self.book.payments() for refund in payment.refunds]
        found = [refund for refund in refunds if refund.reference == code]
        if asked["check_sum"] != signed(KEY_1, *values) or not found:
            return _error("1")
        return _data(values, transaction_refund_code=code, status=REFUNDS[found[0].state])

    def _known(self, asked: Mapping[str, Any], values: tuple[str, ...]) -> Payment | None:
        genuine = asked["client_id"] == CLIENT and asked["check_sum"] == signed(KEY_1, *values)
        return self.book.find(asked["transaction_id"]) if genuine else None


SIMULATOR = KeyPaySimulator


def signed(key: str, *values: str) -> str:
    """check_sum over ``values``."""
    return hmac.new(key.encode(), "|".join(values).encode(), "sha256").hexdigest()


def _data(values: tuple[str, ...], **data: str) -> WireReply:
    said = {"error": "0", "msg": "success", "data": {**data, "check_sum": signed(KEY_2, *values)}}
    return WireReply(200, json.dumps(said).encode())


def _error(code: str) -> WireReply:
    return WireReply(200, json.dumps({"error": code, "msg": "error", "data": None}).encode())
