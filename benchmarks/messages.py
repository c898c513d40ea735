"""Genuine callbacks of every bank: opened at its simulator over HTTP, and signed there by no code of the adapter's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.server import SimulatorServer, find_simulators, serve, settings_of
from bank_adapters.simulators.simulator import Payment, Simulator, WireRequest
from payment_hub.domain.banks.port import BankAdapter, TakesCallbacks
from payment_hub.domain.banks.values import CallbackRequest, Outcome, PaymentRequest
from payment_hub.domain.money import dong
from payment_hub.domain.references import new_reference

#: Nobody listens there: banks that first ask the hub what is due are not answered, and go on.
HUB: Final = "http://127.0.0.1:9"

#: The number of the attempt that is opened first: banks whose references are numbers know it by this.
FIRST: Final = 4711


@dataclass(frozen=True)
class Teller:
    """One bank whose callbacks can be made at will."""

    bank: str
    adapter: TakesCallbacks
    simulator: Simulator
    opened: Payment

    @property
    def numbered(self) -> bool:
        """Whether the bank knows a payment by the attempt's number alone."""
        return self.opened.reference == str(FIRST)

    @property
    def by_order(self) -> bool:
        """Whether the bank knows a payment by the order's reference."""
        return not self.numbered and "-" not in self.opened.reference

    @property
    def proves(self) -> bool:
        """Whether a callback of this bank proves money; where the outcome is not signed, the bank is asked instead."""
        confirmation = self.adapter.read_callback(as_received(self.paid(self.opened.reference)))
        return confirmation.outcome is Outcome.PAID

    def paid(self, reference: str, amount: int = 150_000) -> WireRequest:
        """The bank's message that the attempt of this reference (or number) was paid."""
        book = self.simulator.book
        payment = replace(self.opened, reference=reference, amount=amount, outcome="PAID", paid_at=book.now())
        payment.transaction_id = str(book.next_number())
        return self.simulator.callbacks(payment)[0]


@contextmanager
def tellers(folder: Path) -> Iterator[dict[str, Teller]]:
    """Every bank that takes callbacks, by name, with a payment opened at it, but the sandbox, their measure."""
    simulators = [kind for kind in find_simulators() if kind.name != "sandbox"]
    with serve(HUB, simulators=simulators) as server:
        sections = settings_of(simulators, server.url, folder)
        adapters = load_adapters(list(sections), sections, HUB)
        yield {
            bank: Teller(bank, adapter, server.banks[bank], _opened(bank, adapter, server))
            for bank, adapter in adapters.items()
            if isinstance(adapter, TakesCallbacks)
        }


def _opened(bank: str, adapter: BankAdapter, server: SimulatorServer) -> Payment:
    simulator = server.banks[bank]
    now = datetime.now(UTC)
    order = new_reference(now, FIRST)
    instructions = adapter.open_payment(
        PaymentRequest(
            order_reference=order,
            attempt_reference=f"{order}-1",
            amount=dong(150_000),
            description=f"Le phi {order}",
            payer_ip="127.0.0.1",
            language="vi",
            started_at=now,
            expires_at=now + timedelta(hours=1),
            return_url=f"{HUB}/checkout/x",
            number=FIRST,
        )
    )
    if instructions.page_url:
        requests.get(instructions.page_url, timeout=10).raise_for_status()
    payments = simulator.book.payments()
    return payments[0] if payments else Payment(instructions.bill_code or f"{order}-1", 150_000)


def as_received(webhook: WireRequest) -> CallbackRequest:
    """The simulator's message as the hub's web layer passes it on."""
    headers = {name.lower(): value for name, value in webhook.headers.items()}
    path, _, query = webhook.path.partition("?")
    return CallbackRequest(
        webhook.method, path, webhook.query or query.encode(), headers, webhook.body, datetime.now(UTC)
    )


def as_bytes(webhook: WireRequest) -> bytes:
    """The same as it goes over a connection to the hub."""
    path = webhook.path.removeprefix(HUB)
    if webhook.query:
        path = f"{path}?{webhook.query.decode()}"
    head: Mapping[str, str] = {
        "Host": "127.0.0.1",
        **webhook.headers,
        "Content-Length": str(len(webhook.body)),
    }
    lines = [f"{webhook.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + webhook.body
