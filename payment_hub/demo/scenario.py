"""The scenario: obligations are registered, issued, paid, reported to the portal, and compared at night."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import qrcode

from payment_hub.demo.callers import Caller, DemoFailed, pay_at_bank, wait_for
from payment_hub.demo.data import (
    AGENCIES,
    DISTRICT,
    HOSPITAL,
    OBLIGATIONS,
    POLICE,
    UNIVERSITY,
    DemoObligation,
)
from payment_hub.demo.portal import Portal

#: The event that the portal expects, by the last digits of an amount; ``payment_order.paid`` for all others.
_EVENTS = {"006": "payment_order.underpaid"}


@dataclass
class Scenario:
    """The API callers of the demonstration, and the orders that they have made."""

    agencies: dict[str, Caller]
    portal_system: Caller
    officer: Caller
    portal: Portal
    bank_url: str
    ledger_drop: Path
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)

    def register_and_issue(self) -> None:
        """Every agency registers its obligations; the portal issues an order for each."""
        for obligation in OBLIGATIONS:
            account = AGENCIES[obligation.agency].account
            self.agencies[obligation.agency].post("/v1/obligations", obligation.as_wire(account))
            requested = {"agency": obligation.agency, "obligation": obligation.reference}
            order = self.portal_system.post("/v1/payment-orders", requested)
            self.orders[obligation.reference] = order
            print(f"  {order['reference']}  {obligation.amount:>12,} VND  {obligation.description}")

    def pay(self) -> None:
        """Citizens pay at the sandbox bank; its published table of amounts decides what goes wrong."""
        for obligation in OBLIGATIONS:
            if obligation.amount:
                attempt = self._start(self.orders[obligation.reference]["reference"])
                if obligation is OBLIGATIONS[0]:
                    _show_code(self.orders[obligation.reference], attempt)
                pay_at_bank(self.bank_url, attempt["reference"])
            print(f"  {self.orders[obligation.reference]['reference']}  {obligation.outcome}")

    def receive_webhooks(self) -> None:
        """Wait for the webhook of every order, and show one webhook and one receipt."""
        for obligation in OBLIGATIONS:
            event = _EVENTS.get(f"{obligation.amount:03d}"[-3:], "payment_order.paid")
            reference = self.orders[obligation.reference]["reference"]
            wait_for(f"the webhook {event} of {reference}", partial(self.portal.webhook, reference, event))
        first = self.orders[OBLIGATIONS[0].reference]["reference"]
        webhook = self.portal.webhook(first, "payment_order.paid") or {}
        shown = {name: webhook[name] for name in ("id", "type", "order", "sequence", "occurred_at")}
        print(f"  webhook to the portal, signature verified: {json.dumps(shown)}")
        print(f"  {webhook['signature'][:60]}...")
        receipt = self.portal_system.get(f"/v1/payment-orders/{first}/receipt")
        print(f"\n  receipt {receipt['number']}   {receipt['agency']['name']}")
        print(f"  {receipt['payer_name']}: {receipt['description']}")
        print(f"  {int(receipt['amount']['amount']):,} VND   {receipt['amount_in_words']}")
        if self.portal.refused:
            raise DemoFailed(f"{self.portal.refused} webhooks had no good signature")

    def deliver_ledgers(self, day: date) -> None:
        """The agencies' ledgers of the day: one lacks an entry, one has a wrong amount, one file is broken."""
        self._ledger(POLICE.code, day, [OBLIGATIONS[0]])
        self._ledger(UNIVERSITY.code, day, [OBLIGATIONS[2]])
        self._ledger(HOSPITAL.code, day, [OBLIGATIONS[1]], more=50_000)
        broken = self.ledger_drop / f"{DISTRICT.code}_{day}.csv"
        broken.write_text(
            f"{_HEADING}\n1,{self.orders[OBLIGATIONS[4].reference]['reference']},100.013,VND,{day},\n"
        )
        print("  the district's file has 100.013 where an amount should be, and no total")

    def _start(self, reference: str) -> dict[str, Any]:
        started: dict[str, Any] = self.portal_system.post(
            f"/v1/payment-orders/{reference}/attempts", {"bank": "sandbox"}
        )
        return started

    def _ledger(self, agency: str, day: date, booked: list[DemoObligation], more: int = 0) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_HEADING.split(","))
        for number, obligation in enumerate(booked, 1):
            rows.writerow(
                [
                    number,
                    self.orders[obligation.reference]["reference"],
                    obligation.amount + more,
                    "VND",
                    day,
                    "",
                ]
            )
        rows.writerow(
            ["total", len(booked), sum(obligation.amount + more for obligation in booked), "VND", "", ""]
        )
        (self.ledger_drop / f"{agency}_{day}.csv").write_text(text.getvalue())


_HEADING = "entry_number,order_reference,amount,currency,booked_on,receipt_number"


def _show_code(order: dict[str, Any], attempt: dict[str, Any]) -> None:
    """The QR code as the citizen sees it, and the same as text."""
    code = qrcode.QRCode(border=2)
    code.add_data(attempt["instructions"]["qr_text"])
    code.print_ascii(invert=True)
    instructions = attempt["instructions"]
    print(f"  account {instructions['account_number']} ({instructions['account_name']})")
    print(f"  purpose {instructions['purpose']}")
    print(f"  the citizen's page: {order['checkout_url']}\n")
