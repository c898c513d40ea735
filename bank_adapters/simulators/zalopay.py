"""ZaloPay's side: orders, questions and refunds signed with key1; callbacks, for paid orders alone, with key2."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

APP = 2553
KEY1, KEY2 = "trial-key1-of-zalopay-asks", "trial-key2-of-zalopay-tells"
LONGEST_AGE = timedelta(minutes=15)


class ZaloPaySimulator(Simulator):
    """The wallet."""

    name = "zalopay"
    retries: ClassVar[tuple[float, ...]] = (60.0, 60.0, 60.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """One app, with trial keys."""
        return {
            "URL": url,
            "APP_ID": str(APP),
            "SECRET": KEY2,
            "REQUEST_SECRET": KEY1,
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """create, query, refund and query_refund."""
        routes = {
            "/v2/create": self._create,
            "/v2/query": self._query,
            "/v2/refund": self._refund,
            "/v2/query_refund": self._query_refund,
        }
        if request.method != "POST" or request.path not in routes:
            return WireReply(404)
        params = json.loads(request.body)
        return self._answered(2, -402) if params["app_id"] != APP else routes[request.path](params)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """One POST, of paid orders alone."""
        if payment.outcome != "PAID":
            return []
        order = payment.opened
        fields = {
            "app_id": APP,
            "app_trans_id": f"{order['day']}_{payment.reference}",
            "app_time": order["app_time"],
            "app_user": order["app_user"],
            "amount": payment.amount,
            "embed_data": order["embed_data"],
            "item": order["item"],
            "zp_trans_id": int(payment.transaction_id),
            "server_time": milliseconds(payment.paid_at or self.book.now()),
            "channel": 38,
            "merchant_user_id": "DXp3vtfyygtb2_XdP8yFeA",
            "user_fee_amount": 0,
            "discount_amount": 0,
        }
        data = json.dumps(self.overridden(fields), ensure_ascii=False, separators=(",", ":"))
        body = json.dumps({"data": data, "mac": mac(KEY2, data), "type": 1}, ensure_ascii=False).encode()
        path = urlsplit(order.get("callback_url") or self.callback_url).path
        return [WireRequest("POST", path, body=body)]

    def accepts(self, reply: WireReply) -> bool:
        """0, or no answer that it can read, makes it call again."""
        try:
            return reply.status == 200 and json.loads(reply.body)["return_code"] != 0
        except (ValueError, KeyError, TypeError):
            return False

    def return_url(self, payment: Payment) -> str | None:
        """The redirecturl of embed_data, with a checksum under key2."""
        back = json.loads(payment.opened["embed_data"]).get("redirecturl")
        fields = {
            "appid": APP,
            "apptransid": f"{payment.opened['day']}_{payment.reference}",
            "pmcid": 38,
            "bankcode": "",
            "amount": payment.amount,
            "discountamount": 0,
            "status": state(payment.outcome),
        }
        fields["checksum"] = mac(KEY2, *fields.values())
        return f"{back}{'&' if '?' in back else '?'}{urlencode(fields)}" if back else None

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """ZaloPay's own columns."""
        rows = ["NGAY_GIAO_DICH,MA_GD_MERCHANT,MA_GD_ZALOPAY,TRANG_THAI_GIAO_DICH,SO_TIEN_GIAO_DICH"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
                rows.append(
                    f"{booked},{payment.opened['day']}_{payment.reference},{payment.transaction_id},1,{payment.amount}"
                )
        return "\n".join(rows) + "\n"

    def _create(self, params: Mapping[str, Any]) -> WireReply:
        names = "app_id app_trans_id app_user amount app_time embed_data item"
        if not signed(params, names):
            return self._answered(2, -402)
        day, _, reference = params["app_trans_id"].partition("_")
        now = self.book.now()
        old = abs(milliseconds(now) - params["app_time"]) > LONGEST_AGE // timedelta(milliseconds=1)
        lasts = params.get("expire_duration_seconds", 900)
        if old or len(params["app_trans_id"]) > 40 or not day.isdigit() or len(day) != 6 or not reference:
            return self._answered(2, -401)
        if not 300 <= lasts <= 2_592_000 or params["amount"] <= 0 or not params["description"]:
            return self._answered(2, -401)
        made = Payment(reference, params["amount"], {**params, "day": day})
        if self.book.remember(made) is not made:
            return self._answered(2, -68)
        return self._answered(1, 1, order_url=f"{self.page_of(made)}?order=trial", zp_trans_token="trial")  # noqa: S106

    def _query(self, params: Mapping[str, Any]) -> WireReply:
        if not hmac.compare_digest(mac(KEY1, APP, params["app_trans_id"], KEY1), params["mac"]):
            return self._answered(2, -402)
        payment = self.book.find(params["app_trans_id"].partition("_")[2])
        if payment is None:
            return self._answered(2, -54)
        number, code = int(payment.transaction_id or 0), state(payment.outcome)
        return self._answered(code, code, is_processing=code == 3, amount=payment.amount, zp_trans_id=number)

    def _refund(self, params: Mapping[str, Any]) -> WireReply:
        fee = ["refund_fee_amount"] if "refund_fee_amount" in params else []
        names = " ".join(["app_id zp_trans_id amount", *fee, "description timestamp"])
        if not signed(params, names):
            return self._answered(2, -402)
        number = params["zp_trans_id"]
        payment = next((one for one in self.book.payments() if one.transaction_id == number), None)
        if payment is None or params["m_refund_id"].split("_")[1] != str(APP):
            return self._answered(2, -401)
        with self.book.lock:
            refund = next((one for one in payment.refunds if one.reference == params["m_refund_id"]), None)
            if refund is None:
                if not 0 < params["amount"] <= payment.remaining():
                    return self._answered(2, -14)
                identity = self.book.next_number()
                refund = self.book.new_refund(params["m_refund_id"], params["amount"], id=identity)
                payment.refunds.append(refund)
        code = state(refund.state)
        return self._answered(code, code, refund_id=refund.opened["id"])

    def _query_refund(self, params: Mapping[str, Any]) -> WireReply:
        if not signed(params, "app_id m_refund_id timestamp"):
            return self._answered(2, -402)
        for payment in self.book.payments():
            for refund in payment.refunds:
                if refund.reference == params["m_refund_id"]:
                    code = state(refund.state)
                    return self._answered(code, code, refund_id=refund.opened["id"])
        return self._answered(2, -13)

    def _answered(self, code: int, sub: int, **more: Any) -> WireReply:
        """An answer, unsigned as all of them."""
        fields = {"return_code": code, "return_message": "", "sub_return_code": sub, "sub_return_message": ""}
        return WireReply(200, json.dumps(self.overridden({**fields, **more})).encode())


SIMULATOR = ZaloPaySimulator


def mac(key: str, *values: object) -> str:
    """HMAC over the values in a row."""
    return hmac.new(key.encode(), "|".join(map(str, values)).encode(), hashlib.sha256).hexdigest()


def signed(params: Mapping[str, Any], names: str) -> bool:
    """Whether a request carries the mac of what it says."""
    return hmac.compare_digest(mac(KEY1, *(params[name] for name in names.split())), params["mac"])


def state(word: str) -> int:
    """return_code of a payment or a refund."""
    return {"PAID": 1, "SUCCEEDED": 1, "DECLINED": 2, "FAILED": 2}.get(word, 3)


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
