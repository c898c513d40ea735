"""Napas's side: tokens, data keys, the page with the form, and results with a checksum."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

CLIENT, LOGIN = "HUBTEST", "hubtest"
SECRET, PASSWORD = "trial-client-secret-of-napas", "trial-password-of-napas"
RESULTS = {
    "PAID": ("SUCCESS", "SUCCESS"),
    "DECLINED": ("FAILURE", "INSUFFICIENT_FUNDS"),
    "PENDING": ("PENDING", "PENDING"),
}


class NapasSimulator(Simulator):
    """The switch's gateway."""

    name = "napas"
    retries: ClassVar[tuple[float, ...]] = (60.0, 60.0, 60.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The hub's section for this bank, with the secrets of the trial."""
        return {
            "URL": f"{url}/api",
            "CLIENT_ID": CLIENT,
            "SECRET": SECRET,
            "LOGIN": LOGIN,
            "PASSWORD_SECRET": PASSWORD,
            "PAGE_URL": url + "/form?{fields}",
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """Tokens and data keys."""
        match request.method, request.path:
            case "POST", "/api/oauth/token":
                return self._token(parse_qs(request.body.decode()))
            case "POST", path if path == f"/api/rest/version/32/merchant/{CLIENT}/datakey":
                if request.headers.get("authorization") != f"Bearer {token_of(SECRET)}":
                    return WireReply(401, b'{"result":"ERROR"}')
                return self._data_key(json.loads(request.body))
        return WireReply(404)

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The page with the form: known by its order and data key."""
        if request.path != "/form":
            return None
        fields = {name: values[0] for name, values in parse_qs(request.query.decode()).items()}
        payment = self.book.find(fields.get("orderId", ""))
        if payment is None or payment.opened["dataKey"] != fields.get("dataKey"):
            return None
        return payment if fields.get("orderAmount") == payment.opened["amount"] else None

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """One result, as the form's POST brings it."""
        body = urlencode({"napasResult": json.dumps(sealed(self.overridden(result(payment))))}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return [WireRequest("POST", self.callback_url, b"", headers, body)]

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The collector's file."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},SUCCESS")
        return "\n".join(rows) + "\n"

    def _token(self, form: Mapping[str, list[str]]) -> WireReply:
        given = [
            form.get(name) for name in ("grant_type", "client_id", "client_secret", "username", "password")
        ]
        if given != [["password"], [CLIENT], [SECRET], [LOGIN], [PASSWORD]]:
            return WireReply(401, b'{"error":"invalid_grant"}')
        granted = {"access_token": token_of(SECRET), "token_type": "Bearer", "expires_in": 3600}
        return WireReply(200, json.dumps(granted).encode())

    def _data_key(self, params: Mapping[str, Any]) -> WireReply:
        order = params["order"]
        if (
            params["apiOperation"] != "DATA_KEY"
            or order["currency"] != "VND"
            or not params["inputParameters"]["clientIP"]
        ):
            return WireReply(400, b'{"result":"ERROR"}')
        key = hashlib.sha256(f"data key of {order['id']}".encode()).hexdigest().upper()
        opened = {"dataKey": key, "amount": order["amount"]}
        payment = self.book.remember(Payment(order["id"], int(order["amount"]), opened))
        if payment.opened["amount"] != order["amount"]:
            return WireReply(400, b'{"result":"ERROR"}')
        answer = {
            "result": "SUCCESS",
            "merchantId": CLIENT,
            "order": order,
            "dataKey": key,
            "napasKey": f"MIGf{key}:MIIB",
        }
        return WireReply(200, json.dumps(self.overridden(answer)).encode())


SIMULATOR = NapasSimulator


def token_of(secret: str) -> str:
    """The one token of the trial."""
    return hashlib.sha256(f"token of {secret}".encode()).hexdigest()


def sealed(message: object) -> dict[str, str]:
    """The envelope of a result: base64 of its JSON, and the checksum."""
    data = base64.b64encode(json.dumps(message).encode()).decode()
    return {"data": data, "checksum": hashlib.sha256((data + SECRET).encode()).hexdigest().upper()}


def result(payment: Payment) -> dict[str, Any]:
    """What Napas says of a payment."""
    word, gateway = RESULTS[payment.outcome]
    order = {"id": payment.reference, "amount": str(payment.amount), "currency": "VND"}
    acquirer = {"id": "SML", "transactionId": payment.transaction_id}
    return {
        "paymentResult": {
            "apiOperation": "PAY",
            "merchantId": CLIENT,
            "order": order,
            "response": {"acquirerCode": "00" if word == "SUCCESS" else "51", "gatewayCode": gateway},
            "result": word,
            "transaction": {
                "acquirer": acquirer,
                "amount": order["amount"],
                "currency": "VND",
                "type": "PAYMENT",
            },
            "channel": "6014",
            "version": "1",
        }
    }
