"""The simulator that every simulated bank works at: its memory, its clock, and the base class of a bank.

A bank is one module ``bank_adapters/simulators/<bank>.py`` with a subclass of `Simulator` and, at its end,
``SIMULATOR = MomoSimulator``; it is found by that name and served below ``/<bank>`` with everything else that lies in
this folder (``python -m bank_adapters.simulators``). The bank says what its messages look like and how they are signed,
with nothing but the standard library, so that it and the adapter prove each other. The simulator does what is the same
everywhere:

``GET  /<bank>/pay/<reference>``        the page on which the citizen pays (`Simulator.page_of` is its address)
``POST /<bank>/pay/<reference>``        ``choice=`` one of `choices.CHOICES`: the citizen's, or a test's
``POST /<bank>/transfer``               ``qr_text=``, or ``purpose=`` and ``amount=``: a banking app pays a code
``POST /<bank>/bill``                   ``bill_code=``: a bank asks the hub what is due, and pays it
``POST /<bank>/refund/<reference>``     ``state=SUCCEEDED|FAILED``: what becomes of a refund that is under way
``POST /<bank>/refunds``                ``state=`` one of `choices.REFUND_STATES`: what refunds are from now on
                                        when they are asked for; empty: as is usual at this bank
``POST /<bank>/statement/<yyyy-mm-dd>`` the daily file is dropped
``POST /<bank>/mode``                   ``mode=`` one of `choices.MODES`: how the bank itself goes wrong

A program that accepts JSON is answered with what became of the payment, and of what the hub was told of it.

Every other address below ``/<bank>`` is the bank's own: `opening_page` is asked first, then `receive`.
Amounts are whole dong; moments are aware UTC.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.wire import (
    VIETNAM,
    Delivery,
    Payment,
    Refund,
    Sender,
    WireReply,
    WireRequest,
    business_day,
)

__all__ = ["VIETNAM", "Book", "Payment", "Refund", "Simulator", "WireReply", "WireRequest", "business_day"]


class Book:
    """The memory and the clock of one bank, safe for several threads. Without a courier it tells nobody."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.simulator: Simulator
        self.sender: Sender | None = None
        """Set by whoever serves the bank."""
        self.deliveries: list[Delivery] = []
        self.refunds_are = ""
        """What a refund is as soon as it is asked for; empty: as is usual at the bank."""
        self._payments: dict[str, Payment] = {}
        self._number = time.time_ns() // 1_000_000  # goes on after a restart, and fits every bank's integer
        self._shift = threading.local()

    def now(self) -> datetime:
        """The moment that messages carry."""
        return datetime.now(UTC) + getattr(self._shift, "by", timedelta(0))

    @contextmanager
    def shifted(self, by: timedelta) -> Iterator[None]:
        """For the block, and this thread alone, the clock is wrong."""
        self._shift.by = by
        try:
            yield
        finally:
            self._shift.by = timedelta(0)

    def next_number(self) -> int:
        """A number of 13 digits that this bank gives once."""
        with self.lock:
            self._number += 1
            return self._number

    def remember(self, payment: Payment) -> Payment:
        """Keep it; the one already kept under its reference stays, and is given back."""
        with self.lock:
            return self._payments.setdefault(payment.reference, payment)

    def remember_transfer(self, payment: Payment) -> Payment:
        """Keep a transfer that nobody announced: each is new money, even with the words of an earlier one."""
        with self.lock:
            known = payment.reference in self._payments
            place = f"{payment.reference}~{self.next_number()}" if known else payment.reference
            return self._payments.setdefault(place, payment)

    def find(self, reference: str) -> Payment | None:
        """The payment of that reference."""
        with self.lock:
            return self._payments.get(reference)

    def payments(self) -> list[Payment]:
        """All of them, the oldest first."""
        with self.lock:
            return list(self._payments.values())

    def settle(
        self, payment: Payment, outcome: str, *, amount: int | None = None, notify: bool = True
    ) -> Payment:
        """``payment`` becomes PAID or DECLINED, once; then the bank tells the hub. ``amount``: what really arrived."""
        with self.lock:
            if payment.outcome != "PENDING":
                return payment
            payment.outcome = outcome
            if outcome == "PAID":
                payment.amount = payment.amount if amount is None else amount
                payment.transaction_id = payment.transaction_id or str(self.next_number())
                payment.paid_at = self.now()
        if notify:
            self.notify(payment)
        return payment

    def new_refund(self, reference: str, amount: int, usual: str = "PENDING", /, **opened: Any) -> Refund:
        """A refund that was just asked for, in the state that is ``usual`` here unless a test wants another."""
        return Refund(reference, amount, self.refunds_are or usual, opened)

    def notify(self, payment: Payment) -> None:
        """Send the bank's notices about ``payment`` (again)."""
        if self.sender:
            self.sender.send(self.simulator, payment.reference, self.simulator.callbacks(payment))

    def delivered(self, reference: str) -> list[Delivery]:
        """What the hub was told of a payment so far, and what it answered."""
        with self.lock:
            return [one for one in self.deliveries if one.reference == reference]


class Simulator(ABC):
    """One bank. A subclass overrides what its bank has; what is not overridden, the bank does not have."""

    name: ClassVar[str]
    """The module's name, which is also the adapter's and the last part of the address."""
    retries: ClassVar[tuple[float, ...]] = ()
    """Seconds between the tries of a message that was not taken, in the bank's own schedule."""
    by_transfer: ClassVar[bool] = False
    """Whether payers type the amount themselves, so that a wrong one can arrive."""
    dated: ClassVar[bool] = False
    """Whether the signature covers a time that the hub has to be near: an old message must then be refused."""
    signed: ClassVar[bool] = True
    """Whether a message is signed over its content."""

    def __init__(self, book: Book, url: str, hub_url: str, bank: str) -> None:
        """``url`` is the bank's own address, ``hub_url`` the hub's, ``bank`` the hub's name for the bank."""
        self.book, self.url, self.hub_url, self.bank = book, url, hub_url, bank
        book.simulator = self
        self.mode = "normal"
        """One of `choices.MODES`."""
        self.asked = 0
        """How many requests its own addresses have had."""

    @property
    def callback_url(self) -> str:
        """Where the hub hears of payments, for banks that are not told an address with each one."""
        return f"{self.hub_url}/callbacks/{self.bank}"

    def page_of(self, payment: Payment) -> str:
        """The address of the simulator's page for ``payment``: what an opening answers as the page to go to."""
        return f"{self.url}/pay/{payment.reference}"

    @classmethod
    @abstractmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The bank's section of the hub's settings, names without ``BANK_<NAME>_``, with the trial secrets that both
        sides know. ``url`` is this bank's own address, ``folder`` its own folder, where its statements are dropped."""

    def receive(self, request: WireRequest) -> WireReply:
        """The bank's interface: create, query, refund, whatever it has."""
        return WireReply(404, b'{"error":"%s"}' % request.path.encode())

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The citizen's browser arrives with signed fields: verify them, ``book.remember`` and return the payment; the
        browser is then sent to its page. None when ``request`` is not that, or is not genuine."""
        return None

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The callbacks that tell the hub what became of ``payment``; none where the bank says nothing of that outcome.

        Made anew for every telling, but the same telling has the same bytes. Takes reference, amount, outcome,
        transaction id and moment from ``payment`` itself and the message's own time from ``book.now()``: the choices of
        a payer are tried with a changed copy or a wrong clock.
        """
        return []

    def accepts(self, reply: WireReply) -> bool:
        """Whether the hub's answer ends the retries, by the bank's own rule."""
        return 200 <= reply.status < 300

    def return_url(self, payment: Payment) -> str | None:
        """Where the citizen's browser goes afterwards, signed as the bank signs it."""
        return None

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The bank's file of ``day`` (a business day in Vietnam): its content as it is dropped. ``payments`` are those
        that were PAID on it, in the order in which they were opened."""
        return None

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        """Somebody transfers ``amount`` with ``purpose``, having scanned ``qr_text`` or typed it off. The payment that
        the purpose speaks of, else one that nobody announced. Override where the bank finds payments otherwise (by a
        number of ours, by a virtual account)."""
        for payment in self.book.payments():
            if payment.outcome == "PENDING" and len(payment.reference) >= 10 and payment.reference in purpose:
                return payment
        return self.book.remember_transfer(Payment(purpose, amount))

    def pay_bill(self, bill_code: str) -> Payment | None:
        """For bill banks: ask the hub's inquiry address (`callbacks.ask`) what is due under ``bill_code``, remember
        it and give it, still PENDING; the simulator settles it. None when the hub says that nothing can be paid."""
        return None

    def refund_callbacks(self, payment: Payment, refund: Refund) -> list[WireRequest]:
        """The callbacks that tell the hub what became of a refund, where the bank has such."""
        return []
