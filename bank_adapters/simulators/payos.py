"""payOS's side: links that are made, params about and cancelled, transfers into them, and payouts."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode

from bank_adapters.simulators.simulator import Payment, Refund, Simulator, WireReply, WireRequest
from bank_adapters.simulators.transfers import (
    ACCOUNT,
    BANK,
    PAYERS_BANK,
    PAYERS_NAME,
    compact,
    transfer_code,
    wall_clock,
)

SECRET = "trial-checksum-of-payos-0123456789"  # noqa: S105
PAYOUT_SECRET = "trial-checksum-of-payouts-0123456789"  # noqa: S105
STATES = {"PENDING": "PROCESSING", "SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED"}
CLIENT, API_KEY = "trial-client", "trial-api-key-of-payos"
PAYOUT_CLIENT, PAYOUT_API_KEY = "trial-payout", "trial-api-key-of-payouts"

LINKS, PAYOUTS, PAGES = "/v2/payment-requests", "/v1/payouts", "/web/"
OPENING = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")


class PayosSimulator(Simulator):
    """One channel for links and one for payouts."""

    name = "payos"
    by_transfer: ClassVar[bool] = True

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """Both channels; the account is one that payOS linked, so that 25 characters are allowed."""
        return {
            "URL": url,
            "CLIENT_ID": CLIENT,
            "API_KEY": API_KEY,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
            "PAGE_URL": f"{url}{PAGES}".rstrip("/"),
            "DESCRIPTION_LENGTH": "25",
            "PAYOUT_CLIENT_ID": PAYOUT_CLIENT,
            "PAYOUT_API_KEY": PAYOUT_API_KEY,
            "PAYOUT_SECRET": PAYOUT_SECRET,
            "READ_SECONDS": "2",
        }

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The page of a link."""
        for payment in self.book.payments():
            if (request.method, request.path) == ("GET", f"{PAGES}{link_id(payment)}"):
                return payment
        return None

    def receive(self, request: WireRequest) -> WireReply:
        """Two headers name the caller; the address names the request."""
        who = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        if request.path.startswith(PAYOUTS) and who == (PAYOUT_CLIENT, PAYOUT_API_KEY):
            return self._pay_out(request) if request.method == "POST" else self._payouts(request)
        if not request.path.startswith(LINKS) or who != (CLIENT, API_KEY):
            return refused("401")
        if (request.method, request.path) == ("POST", LINKS):
            return self._open(json.loads(request.body))
        number, _, verb = request.path.removeprefix(f"{LINKS}/").partition("/")
        payment = self.book.find(number)
        if payment is None:
            return refused("101")
        if (request.method, verb) == ("POST", "cancel"):
            payment.opened["reason"] = json.loads(request.body)["cancellationReason"]
            self.book.settle(payment, "DECLINED", notify=False)
        return self._answered(link(payment))

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        """A transfer finds its link by the words that stand in the link's code."""
        for payment in self.book.payments():
            if payment.outcome == "PENDING" and payment.opened.get("description") == purpose:
                return payment
        return super().take_transfer(purpose, amount, qr_text)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The transfer that came."""
        if payment.outcome != "PAID":
            return []
        data = {
            **transfer(payment),
            "orderCode": int(payment.reference),
            "transactionDateTime": wall_clock(payment.paid_at),
            "currency": "VND",
            "paymentLinkId": link_id(payment),
            "code": "00",
            "desc": "Thành công",
        }
        data = self.overridden(data)
        message = {
            "code": "00",
            "desc": "success",
            "success": True,
            "data": data,
            "signature": digest(row(data)),
        }
        headers = {"content-type": "application/json"}
        return [
            WireRequest(
                "POST", self.callback_url, headers=headers, body=compact(message, sort=False).encode()
            )
        ]

    def return_url(self, payment: Payment) -> str | None:
        """With fields that nobody signs."""
        paid = payment.outcome == "PAID"
        message = {
            "code": "00",
            "id": link_id(payment),
            "cancel": str(not paid).lower(),
            "status": "PAID" if paid else "CANCELLED",
            "orderCode": payment.reference,
        }
        back = payment.opened["returnUrl" if paid else "cancelUrl"]
        return f"{back}{'&' if '?' in back else '?'}{urlencode(message)}"

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The transfers of the day."""
        lines = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            purpose = payment.opened.get("description", payment.reference)
            facts = (wall_clock(payment.paid_at), f"FT{payment.transaction_id}", purpose, str(payment.amount))
            lines.append(",".join((*facts, "PAID")))
        return "\n".join(lines) + "\n"

    def _open(self, params: Mapping[str, Any]) -> WireReply:
        signed = "&".join(f"{name}={params[name]}" for name in OPENING)
        if not hmac.compare_digest(digest(signed), params["signature"]):
            return refused("201")
        if len(params["description"]) > 25 or params["amount"] <= 0:
            return refused("20")
        number = str(params["orderCode"])
        with self.book.lock:
            if self.book.find(number):
                return refused("231")
            payment = self.book.remember(Payment(number, params["amount"], dict(params)))
        return self._answered(
            {
                "bin": BANK,
                "accountNumber": ACCOUNT,
                "accountName": "KHO BAC NHA NUOC",
                "amount": payment.amount,
                "description": params["description"],
                "orderCode": params["orderCode"],
                "currency": "VND",
                "paymentLinkId": link_id(payment),
                "status": "PENDING",
                "expiredAt": params.get("expiredAt"),
                "checkoutUrl": f"{self.url}{PAGES}{link_id(payment)}",
                "qrCode": transfer_code(ACCOUNT, payment.amount, params["description"]),
            }
        )

    def _pay_out(self, request: WireRequest) -> WireReply:
        params = json.loads(request.body)
        if not hmac.compare_digest(
            digest(encoded_row(params), PAYOUT_SECRET), request.headers.get("x-signature", "")
        ):
            return refused("201")
        refund = next((one for one in self._refunds() if one.reference == params["referenceId"]), None)
        account = params["toAccountNumber"]
        payment = next((one for one in self.book.payments() if payers_account(one) == account), None)
        if refund is None:
            if payment is None:
                return refused("20")
            refund = self.book.new_refund(params["referenceId"], params["amount"], **params)
            if params["amount"] > payment.remaining() or params["toBin"] != PAYERS_BANK:
                refund.state = "FAILED"
            payment.refunds.append(refund)
        return self._paid_out(payout(refund))

    def _payouts(self, request: WireRequest) -> WireReply:
        payout_id = request.path.removeprefix(PAYOUTS).removeprefix("/")
        reference = dict(parse_qsl(request.query.decode())).get("referenceId")
        payouts = [payout(refund) for refund in self._refunds() if reference in (None, refund.reference)]
        if not payout_id:
            return self._paid_out(
                {"pagination": {"limit": 10, "offset": 0, "total": len(payouts)}, "payouts": payouts}
            )
        return next(
            (self._paid_out(payout) for payout in payouts if payout["id"] == payout_id), refused("101")
        )

    def _refunds(self) -> list[Refund]:
        return [refund for payment in self.book.payments() for refund in payment.refunds]

    def _answered(self, data: Mapping[str, Any]) -> WireReply:
        """An answer about a link, signed in its body."""
        data = self.overridden(data)
        answer = {"code": "00", "desc": "success", "data": data, "signature": digest(row(data))}
        return WireReply(200, compact(answer, sort=False).encode())

    def _paid_out(self, data: Mapping[str, Any]) -> WireReply:
        """An answer about payouts, signed in its header."""
        data = self.overridden(data)
        headers = {"x-signature": digest(encoded_row(data), PAYOUT_SECRET)}
        return WireReply(200, compact({"code": "00", "desc": "success", "data": data}).encode(), headers)


SIMULATOR = PayosSimulator


def link_id(payment: Payment) -> str:
    """32 hex digits, the same for the same link."""
    return hashlib.sha256(payment.reference.encode()).hexdigest()[:32]


def payers_account(payment: Payment) -> str:
    """Everybody pays from an account of his own, so that a payout finds what it gives back."""
    return f"77{payment.transaction_id}" if payment.transaction_id else ""


def row(data: Mapping[str, Any]) -> str:
    """``name=value`` in the order of names, lists as sorted JSON, nothing for null."""
    return "&".join(f"{name}={_written(value)}" for name, value in sorted(data.items()))


def encoded_row(data: Mapping[str, Any]) -> str:
    """The same, percent-encoded."""
    return "&".join(f"{name}={quote(_written(value), safe='')}" for name, value in sorted(data.items()))


def digest(text: str, secret: str | None = None) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new((SECRET if secret is None else secret).encode(), text.encode(), "sha256").hexdigest()


def _written(value: Any) -> str:
    if value in (None, "null", "undefined"):
        return ""
    return value if isinstance(value, str) else compact(value)


def transfer(payment: Payment) -> dict[str, Any]:
    """A transfer into a link."""
    return {
        "reference": f"FT{payment.transaction_id}",
        "amount": payment.amount,
        "accountNumber": ACCOUNT,
        "description": payment.opened.get("description", payment.reference),
        "counterAccountBankId": PAYERS_BANK,
        "counterAccountBankName": None,
        "counterAccountName": PAYERS_NAME,
        "counterAccountNumber": payers_account(payment),
        "virtualAccountName": None,
        "virtualAccountNumber": "",
    }


def link(payment: Payment) -> dict[str, Any]:
    """A link, as questions and cancellations are answered."""
    paid, params = payment.outcome == "PAID", payment.opened["amount"]
    came = payment.amount if paid else 0
    moment = wall_clock(payment.paid_at, "%Y-%m-%dT%H:%M:%S+07:00")
    statuses = {
        "PENDING": "PENDING",
        "DECLINED": "CANCELLED",
        "PAID": "PAID" if came >= params else "UNDERPAID",
    }
    return {
        "id": link_id(payment),
        "orderCode": int(payment.reference),
        "amount": params,
        "amountPaid": came,
        "amountRemaining": max(params - came, 0),
        "status": statuses[payment.outcome],
        "createdAt": moment,
        "transactions": [{**transfer(payment), "transactionDateTime": moment}] if paid else [],
        "canceledAt": None,
        "cancellationReason": payment.opened.get("reason"),
    }


def payout(refund: Refund) -> dict[str, Any]:
    """A payout with its one transfer."""
    params = refund.opened
    fields = ("referenceId", "amount", "description", "toBin", "toAccountNumber")
    transfer = {name: params[name] for name in fields} | {"id": f"{refund.reference}-1", "errorCode": None}
    return {
        "id": f"payout-{refund.reference}",
        "referenceId": refund.reference,
        "transactions": [transfer | {"state": STATES[refund.state]}],
        "category": params["category"],
        "approvalState": "PROCESSING" if refund.state == "PENDING" else "COMPLETED",
        "createdAt": "2026-01-01T00:00:00+07:00",
    }


def refused(code: str) -> WireReply:
    """A refusal, which nobody signs."""
    return WireReply(200, compact({"code": code, "desc": f"Lỗi {code}"}).encode())
