"""The story that is told: registered, issued, shown, paid, posted, told, and checked at night."""

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
from payment_hub.demo.data import AGENCIES, DISTRICT, HOSPITAL, OBLIGATIONS, POLICE, UNIVERSITY, Owed
from payment_hub.demo.portal import ListeningPortal

#: What an order becomes when its callback has come: the event by which the portal is told.
_TOLD = {"006": "payment_order.underpaid"}


@dataclass
class Scenario:
    """Everybody who speaks, and what has happened so far."""

    agencies: dict[str, Caller]
    portal: Caller
    officer: Caller
    listening: ListeningPortal
    bank_url: str
    ledger_drop: Path
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)

    def register_and_issue(self) -> None:
        """Every agency states what is owed; the portal asks for an order for each."""
        for owed in OBLIGATIONS:
            account = AGENCIES[owed.agency].account
            self.agencies[owed.agency].post("/v1/obligations", owed.as_wire(account))
            asked = {"agency": owed.agency, "obligation": owed.reference}
            self.orders[owed.reference] = self.portal.post("/v1/payment-orders", asked)
            print(f"  {self.orders[owed.reference]['reference']}  {owed.amount:>12,} VND  {owed.description}")

    def pay(self) -> None:
        """Citizens pay at the sandbox bank; its published table of amounts decides what goes wrong."""
        for owed in OBLIGATIONS:
            if owed.amount:
                attempt = self._start(self.orders[owed.reference]["reference"])
                if owed is OBLIGATIONS[0]:
                    _show_code(self.orders[owed.reference], attempt)
                pay_at_bank(self.bank_url, attempt["reference"])
            print(f"  {self.orders[owed.reference]['reference']}  {owed.story}")

    def hear_back(self) -> None:
        """Wait until the portal was told of every order, and show one webhook and one receipt."""
        for owed in OBLIGATIONS:
            event = _TOLD.get(f"{owed.amount:03d}"[-3:], "payment_order.paid")
            reference = self.orders[owed.reference]["reference"]
            wait_for(f"the webhook {event} of {reference}", partial(self.listening.told, reference, event))
        first = self.orders[OBLIGATIONS[0].reference]["reference"]
        webhook = self.listening.told(first, "payment_order.paid") or {}
        shown = {name: webhook[name] for name in ("id", "type", "order", "sequence", "occurred_at")}
        print(f"  webhook to the portal, signature verified: {json.dumps(shown)}")
        print(f"  {webhook['signature'][:60]}...")
        receipt = self.portal.get(f"/v1/payment-orders/{first}/receipt")
        print(f"\n  receipt {receipt['number']}   {receipt['agency']['name']}")
        print(f"  {receipt['payer_name']}: {receipt['description']}")
        print(f"  {int(receipt['amount']['amount']):,} VND   {receipt['amount_in_words']}")
        if self.listening.refused:
            raise DemoFailed(f"{self.listening.refused} webhooks had no good signature")

    def leave_ledgers(self, day: date) -> None:
        """The agencies' own books of the day: one forgets an entry, one books a wrong amount, one file is broken."""
        self._ledger(POLICE.code, day, [OBLIGATIONS[0]])
        self._ledger(UNIVERSITY.code, day, [OBLIGATIONS[2]])
        self._ledger(HOSPITAL.code, day, [OBLIGATIONS[1]], more=50_000)
        broken = self.ledger_drop / f"{DISTRICT.code}_{day}.csv"
        broken.write_text(
            f"{_HEADING}\n1,{self.orders[OBLIGATIONS[4].reference]['reference']},100.013,VND,{day},\n"
        )
        print("  the district's file has 100.013 where an amount should be, and no total")

    def _start(self, reference: str) -> dict[str, Any]:
        started: dict[str, Any] = self.portal.post(
            f"/v1/payment-orders/{reference}/attempts", {"bank": "sandbox"}
        )
        return started

    def _ledger(self, agency: str, day: date, booked: list[Owed], more: int = 0) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_HEADING.split(","))
        for number, owed in enumerate(booked, 1):
            rows.writerow(
                [number, self.orders[owed.reference]["reference"], owed.amount + more, "VND", day, ""]
            )
        rows.writerow(["total", len(booked), sum(owed.amount + more for owed in booked), "VND", "", ""])
        (self.ledger_drop / f"{agency}_{day}.csv").write_text(text.getvalue())


_HEADING = "entry_number,order_reference,amount,currency,booked_on,receipt_number"


def _show_code(order: dict[str, Any], attempt: dict[str, Any]) -> None:
    """The QR code as the citizen would see it, with the same as text."""
    code = qrcode.QRCode(border=2)
    code.add_data(attempt["instructions"]["qr_text"])
    code.print_ascii(invert=True)
    given = attempt["instructions"]
    print(f"  account {given['account_number']} ({given['account_name']}), purpose {given['purpose']}")
    print(f"  the citizen's page: {order['checkout_url']}\n")
