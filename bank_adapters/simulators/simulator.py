"""What every simulated bank is made of: the base class, its book of payments, and the messages on the wire.

A bank is one module ``bank_adapters/simulators/<bank>.py`` with a subclass of `Simulator` and, at its end,
``SIMULATOR = MomoSimulator``; it is found by that name and served below ``/<bank>`` with all others
(``python -m bank_adapters.simulators``). The class says what the bank's messages look like and how they are signed,
with nothing but the standard library, so that it and the adapter prove each other. What is the same everywhere is
shared:

``GET  /<bank>/pay/<reference>``        the page on which the citizen pays (`Simulator.page_of` is its address)
``POST /<bank>/pay/<reference>``        ``choice=`` one of `choices.CHOICES`: the citizen's, or a test's
``POST /<bank>/transfer``               ``qr_text=``, or ``purpose=`` and ``amount=``: a banking app pays a code
``POST /<bank>/bill``                   ``bill_code=``: a bank queries the hub about a bill, and pays it
``POST /<bank>/refund/<reference>``     ``state=SUCCEEDED|FAILED``: the result of a refund that is under way
``POST /<bank>/refunds``                ``state=`` one of `choices.REFUND_STATES`: the state of every new refund
                                        from now on; empty: as is usual at this bank
``POST /<bank>/statement/<yyyy-mm-dd>`` the daily file is dropped
``POST /<bank>/mode``                   ``mode=`` one of `choices.MODES`: how the bank itself goes wrong

A program that accepts JSON is answered with the payment's outcome and the callbacks that were delivered about it.

Every other address below ``/<bank>`` is the bank's own: `opening_page` is tried first, then `receive`.
Amounts are whole dong; moments are aware UTC.

A test needs no server. ``MomoSimulator(url, hub_url)`` makes genuine messages by itself: `Simulator.callback` and
`Simulator.answer` sign what the bank would send at a given moment, with any field replaced before the signing, and
`Simulator.statement` writes its daily file.
"""

from __future__ import annotations

import copy
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

#: Hours that clocks in Vietnam are before UTC.
VIETNAM: Final = timedelta(hours=7)

#: In place of a field's value: the message has no such field.
OMITTED: Final = object()


def business_day(moment: datetime) -> date:
    """The day in Vietnam."""
    return (moment.astimezone(UTC) + VIETNAM).date()


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request, to the bank or from it."""

    method: str
    path: str
    """Below the bank's own address, begins with ``/``. In a callback: an absolute URL, or below the hub's address."""
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True)
class WireReply:
    """The answer to one. Status 0: there was none."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Refund:
    """Money that the hub sends back to the payer."""

    reference: str
    amount: int
    state: str = "PENDING"
    """PENDING, SUCCEEDED or FAILED."""
    opened: dict[str, Any] = field(default_factory=dict)


@dataclass
class Payment:
    """One payment in the bank's book."""

    reference: str
    """The bank's key of it: our attempt's reference or number as text, or what the payer typed."""
    amount: int
    """The amount that was requested; once it is paid, what arrived. Messages carry it, never one from ``opened``."""
    opened: dict[str, Any] = field(default_factory=dict)
    """All that the bank keeps of its opening."""
    outcome: str = "PENDING"
    """PENDING, PAID or DECLINED."""
    transaction_id: str = ""
    paid_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)

    def remaining(self) -> int:
        """Dong that can still be refunded."""
        return self.amount - sum(refund.amount for refund in self.refunds if refund.state != "FAILED")


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver a callback, and the hub's answer."""

    reference: str
    reply: WireReply
    accepted: bool


class SignedWhenSent(Protocol):
    """A callback whose signature covers the time of sending, so that each delivery has bytes of its own."""

    def request(self, tries: int) -> WireRequest:
        """The delivery after ``tries`` others."""
        ...

    def settled(self) -> None:
        """It was accepted, or the last delivery failed."""
        ...


class Sender(Protocol):
    """Delivers callbacks to the hub: `callbacks.CallbackSender`."""

    def send(
        self,
        simulator: Simulator,
        reference: str,
        callbacks: Sequence[WireRequest | SignedWhenSent],
        *,
        after: float = 0,
    ) -> None:
        """Send them after so many seconds, until each is accepted or the bank's schedule ends."""
        ...


@runtime_checkable
class KeepsState(Protocol):
    """A bank that remembers its payments over a restart."""

    def keep(self, file: Path) -> None:
        """Read ``file``, and write down there what happens from now on."""
        ...


class Book:
    """The payments and the clock of one bank, safe for several threads. Without a sender no callback leaves."""

    def __init__(self, simulator: Simulator) -> None:
        self.lock = threading.RLock()
        self.simulator = simulator
        self.sender: Sender | None = None
        """Set by the server of the bank."""
        self.deliveries: list[Delivery] = []
        self.refunds_are = ""
        """The state of every new refund; empty: as is usual at the bank."""
        self._payments: dict[str, Payment] = {}
        self._number = time.time_ns() // 1_000_000  # goes on after a restart, and fits every bank's integer
        self._clock = threading.local()

    def now(self) -> datetime:
        """The moment that messages carry."""
        fixed: datetime | None = getattr(self._clock, "moment", None)
        return fixed or datetime.now(UTC)

    @contextmanager
    def at(self, moment: datetime | None) -> Iterator[None]:
        """For the block, and this thread alone, the clock stands at ``moment``."""
        before = getattr(self._clock, "moment", None)
        self._clock.moment = moment
        try:
            yield
        finally:
            self._clock.moment = before

    def next_number(self) -> int:
        """A number of 13 digits that this bank gives once."""
        with self.lock:
            self._number += 1
            return self._number

    def remember(self, payment: Payment) -> Payment:
        """Keep it. Returns the one already kept under its reference, if there is one."""
        with self.lock:
            return self._payments.setdefault(payment.reference, payment)

    def replace(self, payment: Payment) -> None:
        """Keep ``payment`` instead of the one under its reference."""
        with self.lock:
            self._payments[payment.reference] = payment

    def remember_transfer(self, payment: Payment) -> Payment:
        """Keep a transfer that was not announced: each is new money, even with the purpose of an earlier one."""
        with self.lock:
            exists = payment.reference in self._payments
            key = f"{payment.reference}~{self.next_number()}" if exists else payment.reference
            return self._payments.setdefault(key, payment)

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
        """``payment`` becomes PAID or DECLINED, once; then its callbacks are sent. ``amount``: what really arrived."""
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
        """A refund that was just requested, in the state that is ``usual`` here unless `refunds_are` sets another."""
        return Refund(reference, amount, self.refunds_are or usual, opened)

    def notify(self, payment: Payment) -> None:
        """Send the bank's callbacks about ``payment`` (again)."""
        if self.sender:
            self.sender.send(self.simulator, payment.reference, self.simulator.callbacks(payment))

    def delivered(self, reference: str) -> list[Delivery]:
        """The deliveries of a payment's callbacks so far."""
        with self.lock:
            return [delivery for delivery in self.deliveries if delivery.reference == reference]


class Simulator(ABC):
    """One bank. A subclass overrides what its bank has; what is not overridden, the bank does not have."""

    name: ClassVar[str]
    """The module's name, which is also the adapter's and the last part of the address."""
    retries: ClassVar[tuple[float, ...]] = ()
    """Seconds between the deliveries of a callback that was not accepted, in the bank's own schedule."""
    by_transfer: ClassVar[bool] = False
    """Whether payers type the amount themselves, so that a wrong one can arrive."""
    dated: ClassVar[bool] = False
    """Whether the signature covers a time that the hub has to be near: an old message must then be refused."""
    signed: ClassVar[bool] = True
    """Whether a message is signed over its content."""

    def __init__(self, url: str, hub_url: str) -> None:
        """``url`` is the bank's own address, ``hub_url`` the hub's."""
        self.url, self.hub_url = url, hub_url
        self.book = Book(self)
        self.mode = "normal"
        """One of `choices.MODES`."""
        self.requests = 0
        """How many requests its own addresses have had."""
        self._fields = threading.local()

    # What a test takes from it ---------------------------------------------------------------------

    def callback(
        self, payment: Payment, outcome: str = "PAID", *, at: datetime | None = None, **fields: Any
    ) -> WireRequest:
        """The genuine callback that ``payment`` became ``outcome`` at the moment ``at``; ``payment`` stays as it is.

        ``fields`` replace those of the message before it is signed, nested ones as ``**{"order.amount": "1"}``;
        `OMITTED` leaves one out. Raises LookupError where the bank sends nothing of that outcome.
        """
        with self.book.at(at or self.book.now()), self.replacing(fields):
            settled = replace(payment, outcome=outcome)
            if outcome == "PAID":
                settled.transaction_id = payment.transaction_id or str(self.book.next_number())
                settled.paid_at = payment.paid_at or self.book.now()
            callbacks = self.callbacks(settled)
        if not callbacks:
            raise LookupError(f"{self.name} sends nothing about a payment that is {outcome}")
        return callbacks[0]

    def answer(self, request: WireRequest, *, at: datetime | None = None, **fields: Any) -> WireReply:
        """The genuine answer to ``request`` at the moment ``at``, with ``fields`` replaced as in `callback`."""
        with self.book.at(at or self.book.now()), self.replacing(fields):
            return self.receive(request)

    @contextmanager
    def replacing(self, fields: Mapping[str, Any]) -> Iterator[None]:
        """For the block, and this thread alone, ``fields`` replace those of every message that is signed."""
        before = getattr(self._fields, "replaced", {})
        self._fields.replaced = fields
        try:
            yield
        finally:
            self._fields.replaced = before

    def overridden(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """``message`` with the fields that are now replaced. Every message goes through it before it is signed."""
        replaced: Mapping[str, Any] = getattr(self._fields, "replaced", {})
        changed = copy.deepcopy(dict(message)) if replaced else dict(message)
        for path, value in replaced.items():
            *parents, name = path.split(".")
            part = changed
            for parent in parents:
                part = part[parent]
            if value is OMITTED:
                part.pop(name, None)
            else:
                part[name] = value
        return changed

    # What a bank's class says of itself ---------------------------------------------------------------

    @property
    def callback_url(self) -> str:
        """The hub's callback address, for banks that are not given one with each payment."""
        return f"{self.hub_url}/callbacks/{self.name}"

    def page_of(self, payment: Payment) -> str:
        """The address of the page for ``payment``: what an opening answers as the page to go to."""
        return f"{self.url}/pay/{payment.reference}"

    @classmethod
    @abstractmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The bank's section of the hub's settings, names without ``BANK_<NAME>_``, with the trial secrets of both
        sides. ``url`` is this bank's own address, ``folder`` its own folder, where its statements are dropped."""

    def receive(self, request: WireRequest) -> WireReply:
        """The bank's interface: create, query, refund, whatever it has."""
        return WireReply(404, b'{"error":"%s"}' % request.path.encode())

    def opening_page(self, request: WireRequest) -> Payment | None:
        """The citizen's browser arrives with signed fields: verify them, ``book.remember`` and return the payment; the
        browser is then sent to its page. None when ``request`` is not that, or is not genuine."""
        return None

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The callbacks about ``payment``; none where the bank sends nothing of that outcome.

        Made anew for every delivery, with the same bytes for the same moment. Takes reference, amount, outcome,
        transaction id and moment from ``payment`` itself and the message's own time from ``book.now()``.
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
        """A payer transfers ``amount`` with ``purpose``, having scanned ``qr_text`` or typed it off. Returns the
        payment that the purpose names, else one that was not announced. Override where the bank finds payments
        otherwise: by a number of ours, by a virtual account."""
        for payment in self.book.payments():
            if payment.outcome == "PENDING" and len(payment.reference) >= 10 and payment.reference in purpose:
                return payment
        return self.book.remember_transfer(Payment(purpose, amount))

    def pay(self, payment: Payment) -> None:
        """The payer pays on the page."""
        self.book.settle(payment, "PAID")

    def decline(self, payment: Payment) -> None:
        """The payer declines on the page."""
        self.book.settle(payment, "DECLINED")

    def note(self, payment: Payment) -> str:
        """A line for the payer's page, where the bank has one to add."""
        return ""

    def pay_bill(self, bill_code: str) -> Payment | None:
        """For banks with bills: query the hub's inquiry address (`callbacks.send_request`) about ``bill_code``,
        remember the payment and return it, still PENDING. None when the hub answers that nothing can be paid."""
        return None

    def refund_callbacks(self, payment: Payment, refund: Refund) -> list[WireRequest]:
        """The callbacks about the result of a refund, where the bank has such."""
        return []
