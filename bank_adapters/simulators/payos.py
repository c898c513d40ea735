"""payOS's side: links that are made, asked about and cancelled, transfers into them, and payouts."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from bank_adapters.simulators.payos_messages import (
    PAYOUT_SECRET,
    SECRET,
    answered,
    digest,
    encoded_row,
    link,
    link_id,
    paid_out,
    payers_account,
    payout,
    refused,
    row,
    transfer,
)
from bank_adapters.simulators.simulator import Payment, Refund, Simulator, WireReply, WireRequest
from bank_adapters.simulators.transfers import (
    ACCOUNT,
    BANK,
    PAYERS_BANK,
    compact,
    transfer_code,
    wall_clock,
)

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
        """Who asks is known by two headers; what is asked is known by the address."""
        who = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        if request.path.startswith(PAYOUTS) and who == (PAYOUT_CLIENT, PAYOUT_API_KEY):
            return self._pay_out(request) if request.method == "POST" else self._paid_out(request)
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
        return answered(link(payment))

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
        signed = {
            "code": "00",
            "desc": "success",
            "success": True,
            "data": data,
            "signature": digest(row(data)),
        }
        headers = {"content-type": "application/json"}
        return [
            WireRequest("POST", self.callback_url, headers=headers, body=compact(signed, sort=False).encode())
        ]

    def return_url(self, payment: Payment) -> str | None:
        """With fields that nobody signs."""
        paid = payment.outcome == "PAID"
        said = {
            "code": "00",
            "id": link_id(payment),
            "cancel": str(not paid).lower(),
            "status": "PAID" if paid else "CANCELLED",
            "orderCode": payment.reference,
        }
        back = payment.opened["returnUrl" if paid else "cancelUrl"]
        return f"{back}{'&' if '?' in back else '?'}{urlencode(said)}"

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The transfers of the day."""
        lines = ["booked_at,transaction_id,reference,amount,status"]
        for one in payments:
            said = one.opened.get("description", one.reference)
            facts = (wall_clock(one.paid_at), f"FT{one.transaction_id}", said, str(one.amount))
            lines.append(",".join((*facts, "PAID")))
        return "\n".join(lines) + "\n"

    def _open(self, asked: Mapping[str, Any]) -> WireReply:
        signed = "&".join(f"{name}={asked[name]}" for name in OPENING)
        if not hmac.compare_digest(digest(signed), asked["signature"]):
            return refused("201")
        if len(asked["description"]) > 25 or asked["amount"] <= 0:
            return refused("20")
        number = str(asked["orderCode"])
        with self.book.lock:
            if self.book.find(number):
                return refused("231")
            payment = self.book.remember(Payment(number, asked["amount"], dict(asked)))
        return answered(
            {
                "bin": BANK,
                "accountNumber": ACCOUNT,
                "accountName": "KHO BAC NHA NUOC",
                "amount": payment.amount,
                "description": asked["description"],
                "orderCode": asked["orderCode"],
                "currency": "VND",
                "paymentLinkId": link_id(payment),
                "status": "PENDING",
                "expiredAt": asked.get("expiredAt"),
                "checkoutUrl": f"{self.url}{PAGES}{link_id(payment)}",
                "qrCode": transfer_code(ACCOUNT, payment.amount, asked["description"]),
            }
        )

    def _pay_out(self, request: WireRequest) -> WireReply:
        asked = json.loads(request.body)
        if not hmac.compare_digest(
            digest(encoded_row(asked), PAYOUT_SECRET), request.headers.get("x-signature", "")
        ):
            return refused("201")
        known = [one for one in self._refunds() if one.reference == asked["referenceId"]]
        found = [one for one in self.book.payments() if payers_account(one) == asked["toAccountNumber"]]
        if not known and not found:
            return refused("20")
        if not known:
            kept = found[0].amount - sum(one.amount for one in found[0].refunds if one.state != "FAILED")
            known = [self.book.new_refund(asked["referenceId"], asked["amount"], **asked)]
            if asked["amount"] > kept or asked["toBin"] != PAYERS_BANK:
                known[0].state = "FAILED"
            found[0].refunds += known
        return paid_out(payout(known[0]))

    def _paid_out(self, request: WireRequest) -> WireReply:
        one = request.path.removeprefix(PAYOUTS).removeprefix("/")
        reference = dict(parse_qsl(request.query.decode())).get("referenceId")
        payouts = [payout(refund) for refund in self._refunds() if reference in (None, refund.reference)]
        if not one:
            return paid_out(
                {"pagination": {"limit": 10, "offset": 0, "total": len(payouts)}, "payouts": payouts}
            )
        return next((paid_out(payout) for payout in payouts if payout["id"] == one), refused("101"))

    def _refunds(self) -> list[Refund]:
        return [refund for payment in self.book.payments() for refund in payment.refunds]


SIMULATOR = PayosSimulator
