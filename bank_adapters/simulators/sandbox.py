"""The sandbox bank: the bank's side of the open protocol (``docs/open-protocol.md``), with a table of amounts.

The last three digits of the amount in dong choose what the bank does when a payment is paid; every other ending is
simply paid. The table is published; `as_markdown` prints it for the page.

Beside the signed interface of the protocol it has two addresses without a signature, because no other bank has them:
``POST /payments/<attempt_reference>/pay`` and ``POST /transfers``, each with a JSON object that may name ``outcome``,
``amount``, ``paid_at`` and ``reference``. It can keep its payments and the callbacks on their way in a file (`keep`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from bank_adapters.simulators.choices import NotOffered
from bank_adapters.simulators.simulator import Payment, Simulator, WireReply, WireRequest, business_day

SECRET: Final = "whsec_" + base64.b64encode(b"trial key of the sandbox, worth nothing").decode()
FRESH_SECONDS: Final = 300
ACCOUNT_BANK, ACCOUNT_NAME = "970499", "KHO BAC SANDBOX"


@dataclass(frozen=True, slots=True)
class Message:
    """One callback in the table: its content, and how its delivery goes wrong."""

    status: str = "PAID"
    more: int = 0
    """Dong in this message above (or below) what was paid."""
    late: int = 0
    """How many times the bank's delay passes before it is sent."""
    forged_first: bool = False
    """The first delivery carries a wrong signature."""
    times: int = 1
    """How many times the same message is sent, although it was accepted."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table: the money that moves, the callbacks, and the lines of the statement."""

    name: str
    meaning: str
    moves: int | None = 0
    """Dong that arrive above (or below) the amount of the payment; None when no money moves."""
    messages: tuple[Message, ...] = (Message(),)
    statement: tuple[int, ...] = (0,)
    """A line for each entry, so much above (or below) what arrived."""
    slow_to_open: bool = False
    status: str | None = None
    """The status in the answer to a query, where that is not simply PAID or DECLINED."""


PAID: Final = Behaviour("paid", "paid, callback at once")

OUTCOMES_BY_AMOUNT: Final = {
    "000": PAID,
    "001": Behaviour(
        "declined", "declined, callback at once", moves=None, messages=(Message("DECLINED"),), statement=()
    ),
    "002": Behaviour("delayed", "paid, callback after the delay", messages=(Message(late=1),)),
    "003": Behaviour("repeated", "paid, the same message sent three times", messages=(Message(times=3),)),
    "004": Behaviour(
        "repeated-as-new", "paid, two callbacks with two message ids", messages=(Message(), Message())
    ),
    "005": Behaviour("callback-lost", "paid, no callback: only query and statement show it", messages=()),
    "006": Behaviour("underpaid", "1,000 dong less arrive", moves=-1000),
    "007": Behaviour("overpaid", "1,000 dong more arrive", moves=1000),
    "008": Behaviour(
        "forged-first",
        "paid, first callback with a wrong signature, then a right one",
        messages=(Message(forged_first=True),),
    ),
    "009": Behaviour(
        "declined-then-paid",
        "callback declined, after the delay callback paid",
        messages=(Message("DECLINED"), Message(late=1)),
    ),
    "010": Behaviour(
        "paid-then-declined",
        "callback paid, after the delay callback declined",
        messages=(Message(), Message("DECLINED", late=1)),
    ),
    "011": Behaviour(
        "conflicting-amount",
        "paid, after the delay a callback with the same transaction id and 1,000 dong more",
        messages=(Message(), Message(more=1000, late=1)),
    ),
    "012": Behaviour(
        "slow-to-open", "opened, but the answer comes too late; can be paid all the same", slow_to_open=True
    ),
    "013": Behaviour("not-in-statement", "paid, callback, but not in the statement", statement=()),
    "014": Behaviour(
        "other-in-statement", "paid, callback, the statement shows 1,000 dong less", statement=(-1000,)
    ),
    "015": Behaviour("twice-in-statement", "paid, callback, twice in the statement", statement=(0, 0)),
    "016": Behaviour(
        "unheard-of-word",
        "callback with an unknown status, and nothing more; no money moves",
        moves=None,
        messages=(Message("UNDER_REVIEW"),),
        statement=(),
        status="UNDER_REVIEW",
    ),
}

BEHAVIOURS: Final = {behaviour.name: behaviour for behaviour in OUTCOMES_BY_AMOUNT.values()}


@dataclass(frozen=True)
class SandboxCallback:
    """A callback on its way: the same id and body at every delivery, with a fresh time and signature."""

    simulator: SandboxSimulator
    message_id: str
    reference: str
    url: str
    body: str
    forged_first: bool = False

    def request(self, tries: int) -> WireRequest:
        """The delivery after ``tries`` others."""
        key = b"not the shared secret" if self.forged_first and tries == 0 else self.simulator.keys[0]
        body = self.body.encode()
        return WireRequest(
            "POST", self.url, headers=self.simulator.headers(self.message_id, body, key), body=body
        )

    def settled(self) -> None:
        """It was accepted, or the last delivery failed."""
        self.simulator.write("settled", message_id=self.message_id)


class SandboxSimulator(Simulator):
    """The bank. The secrets are those of the hub's settings, or a trial secret."""

    name = "sandbox"
    dated = True
    retries: ClassVar[tuple[float, ...]] = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
    delay_seconds: ClassVar[float] = 3.0
    """The unit of every delay in the table."""
    slow_seconds: ClassVar[float] = 15.0
    """How late the answer to a slow opening is."""

    def __init__(self, url: str, hub_url: str) -> None:
        super().__init__(url, hub_url)
        current, previous = self.secrets()
        self.keys = [
            base64.b64decode(secret.removeprefix("whsec_")) for secret in (current, previous) if secret
        ]
        self._file: Path | None = None
        self._behaviours: dict[str, Behaviour] = {}

    @classmethod
    def secrets(cls) -> tuple[str, str | None]:
        """The secret and the one before it."""
        return (
            os.environ.get("BANK_SANDBOX_SECRET") or SECRET,
            os.environ.get("BANK_SANDBOX_SECRET_PREVIOUS") or None,
        )

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """Its address and the secret."""
        return {"URL": url, "SECRET": cls.secrets()[0]}

    # The protocol ---------------------------------------------------------------------------------

    def receive(self, request: WireRequest) -> WireReply:
        """The two addresses of the sandbox alone, then the signed interface of the protocol."""
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["health"]:
                return WireReply(200, b'{"status": "ok"}')
            case "POST", ["payments", reference, "pay"]:
                return self._paid(reference, read_object(request.body or b"{}"))
            case "POST", ["transfers"]:
                return self._transferred(read_object(request.body))
        return self._received(request) if self.is_genuine(request) else WireReply(401)

    def _received(self, request: WireRequest) -> WireReply:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["payments"]:
                return self._opened(request)
            case "GET", ["payments", reference]:
                payment = self.book.find(reference)
                if payment is None:
                    unknown = {"type": "payment.unknown", "attempt_reference": reference}
                    return self._signed(request, unknown, 404)
                return self._signed(request, {"type": "payment.status", **facts_of(payment)})
            case "GET", ["statements", day]:
                content = (self.statement(date.fromisoformat(day), self.book.payments()) or "").encode()
                headers = self.headers(request.headers["webhook-id"], content)
                return WireReply(200, content, headers, "text/csv; charset=utf-8")
        return WireReply(404)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """The plain result; the table's callbacks go their own way (`pay`)."""
        body = {"type": "payment.result", **facts_of(payment), "status": payment.outcome}
        if payment.outcome != "PAID":
            body["transaction_id"] = body["paid_at"] = None
        raw = json.dumps(self.overridden(body)).encode()
        message_id = f"evt_{payment.reference}_{payment.outcome}"
        return [
            WireRequest(
                "POST", self._callback_url_of(payment), headers=self.headers(message_id, raw), body=raw
            )
        ]

    def return_url(self, payment: Payment) -> str | None:
        """The hub's page, unsigned."""
        return payment.opened.get("return_url")

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The protocol's CSV of ``day``, with its totals in the first line."""
        lines = [
            (payment, max(1, payment.amount + more))
            for payment in payments
            if payment.paid_at and business_day(payment.paid_at) == day
            for more in payment.opened.get("statement", (0,))
        ]
        rows = [f"statement,{day.isoformat()},{len(lines)},{sum(amount for _, amount in lines)}"]
        rows.append("transaction_id,reference,amount,currency,movement,booked_at")
        for payment, amount in lines:
            reference = str(payment.opened.get("payer_reference", payment.reference)).replace('"', '""')
            booked_at = written(payment.paid_at)
            rows.append(f'{payment.transaction_id},"{reference}",{amount},VND,CREDIT,{booked_at}')
        return "\n".join(rows) + "\n"

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        """The order's reference finds the payment."""
        for payment in self.book.payments():
            if payment.opened.get("order_reference") == purpose and payment.outcome == "PENDING":
                return payment
        return super().take_transfer(purpose, amount, qr_text)

    def note(self, payment: Payment) -> str:
        """What the amount will do."""
        behaviour = behaviour_of(payment.amount)
        return f"By its amount, paying this will be: {behaviour.name} ({behaviour.meaning})."

    def pay(self, payment: Payment) -> None:
        """By the table of amounts."""
        self.settle(payment, behaviour_of(payment.amount))

    def decline(self, payment: Payment) -> None:
        """As the table's 001."""
        self.settle(payment, BEHAVIOURS["declined"])

    # What moves ---------------------------------------------------------------------------------------

    def settle(
        self,
        payment: Payment,
        behaviour: Behaviour,
        *,
        amount: int | None = None,
        reference: str | None = None,
        paid_at: datetime | None = None,
    ) -> None:
        """``payment`` is paid as ``behaviour`` says, and its callbacks are sent. Raises NotOffered for another."""
        with self.book.lock:
            if payment.outcome != "PENDING" or "behaviour" in payment.opened:
                raise NotOffered(f"{payment.reference} is {facts_of(payment)['status']} already")
            moved = behaviour.moves is not None
            arrived = payment.amount + (behaviour.moves or 0) if amount is None else amount
            payment.amount = max(1, arrived)
            payment.opened |= {
                "payer_reference": payment.reference if reference is None else reference,
                "behaviour": behaviour.name,
                "statement": list(behaviour.statement),
            }
            if moved:
                payment.transaction_id = f"SBX{self.book.next_number()}{secrets.token_hex(3)}"
                payment.paid_at = paid_at or self.book.now()
            if behaviour.status is None:
                payment.outcome = "PAID" if moved else "DECLINED"
            self._write_payment(payment)
        for message in behaviour.messages:
            self._send(payment, message)

    def _send(self, payment: Payment, message: Message) -> None:
        url = self._callback_url_of(payment)
        if not url or self.book.sender is None:
            return
        body = {
            "type": "payment.result",
            **facts_of(payment),
            "status": message.status,
            "amount": str(payment.amount + message.more),
        }
        if message.status != "PAID":
            body["transaction_id"] = body["paid_at"] = None
        message_id = f"evt_{self.book.next_number()}_{secrets.token_hex(6)}"
        callback = SandboxCallback(
            self, message_id, payment.reference, url, json.dumps(body), message.forged_first
        )
        after = message.late * self.delay_seconds
        kept = {name: value for name, value in vars(callback).items() if name != "simulator"}
        self.write("pending", **kept, due=time.time() + after, times=message.times)
        self.book.sender.send(self, payment.reference, [callback] * message.times, after=after)

    def _callback_url_of(self, payment: Payment) -> str:
        return payment.opened.get("callback_url") or (self.callback_url if self.hub_url else "")

    def _opened(self, request: WireRequest) -> WireReply:
        params = json.loads(request.body)
        if params.get("type") != "payment.open" or params.get("currency") != "VND":
            raise NotOffered("payment.open in VND is needed")
        reference, amount = params["attempt_reference"], int(params["amount"])
        if not (reference and params["order_reference"] and amount > 0):
            raise NotOffered("both references and a positive amount are needed")
        with self.book.lock:
            number = len(self.book.payments()) + 1
            opened = {**params, "amount": amount, "number": number}
            payment = self.book.remember(Payment(reference, amount, opened))
            if payment.opened["amount"] != amount:
                raise NotOffered(f"{reference} was opened with another amount")
            self._write_payment(payment)
        if behaviour_of(amount).slow_to_open:
            time.sleep(self.slow_seconds)
        number = payment.opened["number"]
        answer = {
            "type": "payment.opened",
            "attempt_reference": reference,
            "bank_reference": f"SBXP{number:08d}",
            "account_bank": ACCOUNT_BANK,
            "account_number": f"9{number:012d}",
            "account_name": ACCOUNT_NAME,
            "page_url": self.page_of(payment),
        }
        return self._signed(request, answer, 201)

    def _paid(self, reference: str, requested: Mapping[str, Any]) -> WireReply:
        payment = self.book.find(reference)
        if payment is None:
            raise NotOffered(f"{reference} was never opened here")
        payer_reference = payment.opened["order_reference"] if requested.get("reference") == "order" else None
        return self._settled(payment, requested, payer_reference)

    def _transferred(self, requested: Mapping[str, Any]) -> WireReply:
        typed, amount = str(requested["reference"]), max(1, int(requested["amount"]))
        _behaviour(requested, PAID)
        opened = {"order_reference": typed, "amount": amount, "number": 0}
        payment = self.book.remember(Payment(f"transfer-{self.book.next_number()}", amount, opened))
        return self._settled(payment, {"outcome": "paid", **requested}, typed)

    def _settled(
        self, payment: Payment, requested: Mapping[str, Any], payer_reference: str | None
    ) -> WireReply:
        behaviour = _behaviour(requested, behaviour_of(payment.amount))
        amount = int(requested["amount"]) if "amount" in requested else None
        paid_at = datetime.fromisoformat(requested["paid_at"]) if requested.get("paid_at") else None
        self.settle(payment, behaviour, amount=amount, reference=payer_reference, paid_at=paid_at)
        return WireReply(200, json.dumps(facts_of(payment)).encode())

    # Signatures: Standard Webhooks, from the page and not from the adapter's code --------------------

    def headers(self, message_id: str, body: bytes, key: bytes | None = None) -> dict[str, str]:
        """The three headers for ``body``, and its type."""
        stamp = str(int(self.book.now().timestamp()))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(key or self.keys[0], message_id, stamp, body),
            "content-type": "application/json",
        }

    def is_genuine(self, request: WireRequest) -> bool:
        """Whether a request of the hub carries a fresh signature under one of the keys."""
        message_id, stamp = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp"))
        if not (message_id.isascii() and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            return False
        if abs(self.book.now().timestamp() - int(stamp)) > FRESH_SECONDS:
            return False
        given = request.headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
        right = [signature(key, message_id, stamp, request.body).encode() for key in self.keys]
        return any(hmac.compare_digest(one, other) for one in given for other in right)

    def _signed(self, request: WireRequest, answer: Mapping[str, Any], status: int = 200) -> WireReply:
        """An answer under the id of its request, signed with the newest key."""
        body = json.dumps(self.overridden(answer)).encode()
        return WireReply(status, body, self.headers(request.headers["webhook-id"], body))

    # What survives a restart ----------------------------------------------------------------------------

    def keep(self, file: Path) -> None:
        """Keep payments and callbacks in ``file``, one JSON record a line; what stands in it is read first."""
        pending: dict[str, dict[str, Any]] = {}
        if file.exists():
            raw = file.read_bytes()
            complete = raw[: raw.rfind(b"\n") + 1]  # a last line without its end was cut off by a crash
            file.write_bytes(complete)
            for record in map(json.loads, complete.decode().splitlines()):
                match record.pop("kind"):
                    case "payment":
                        paid_at = record.pop("paid_at")
                        payment = Payment(**record, paid_at=paid_at and datetime.fromisoformat(paid_at))
                        self.book.replace(payment)
                    case "pending":
                        pending[record["message_id"]] = record
                    case "settled":
                        pending[record["message_id"]]["times"] -= 1
        self._file = file
        for record in pending.values():
            times, due = record.pop("times"), record.pop("due")
            if times > 0 and self.book.sender is not None:
                callbacks = [SandboxCallback(self, **record)] * times
                self.book.sender.send(self, record["reference"], callbacks, after=max(0.0, due - time.time()))

    def write(self, kind: str, **content: Any) -> None:
        """Append one record."""
        if self._file is not None:
            with self.book.lock, self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": kind, **content}) + "\n")

    def _write_payment(self, payment: Payment) -> None:
        content = asdict(replace(payment, refunds=[]))
        self.write("payment", **content | {"paid_at": payment.paid_at and payment.paid_at.isoformat()})


SIMULATOR = SandboxSimulator


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``. Raises ValueError."""
    read = json.loads(body)
    if not isinstance(read, dict):
        raise ValueError("a JSON object is needed")
    return read


def behaviour_of(amount: int) -> Behaviour:
    """The table's row for ``amount`` dong."""
    return OUTCOMES_BY_AMOUNT.get(f"{amount:03d}"[-3:], PAID)


def _behaviour(requested: Mapping[str, Any], usual: Behaviour) -> Behaviour:
    if requested.get("outcome", usual.name) not in BEHAVIOURS:
        raise NotOffered(f"outcome is one of {', '.join(BEHAVIOURS)}")
    return BEHAVIOURS[requested.get("outcome", usual.name)]


def facts_of(payment: Payment) -> dict[str, Any]:
    """The payment's fields in a callback and in the answer to a query."""
    behaviour = BEHAVIOURS.get(payment.opened.get("behaviour", ""))
    return {
        "attempt_reference": payment.reference,
        "order_reference": payment.opened.get("order_reference", payment.reference),
        "reference": payment.opened.get("payer_reference", payment.reference),
        "status": (behaviour and behaviour.status) or payment.outcome,
        "amount": str(payment.amount),
        "currency": "VND",
        "transaction_id": payment.transaction_id or None,
        "paid_at": written(payment.paid_at),
    }


def written(moment: datetime | None) -> str | None:
    """``moment`` as the protocol writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """``v1,`` and base64 of the HMAC."""
    digest = hmac.digest(key, b".".join((message_id.encode(), stamp.encode(), body)), hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def as_markdown() -> str:
    """The table as it stands in the documentation."""
    rows = [
        f"| `...{ending}` | `{behaviour.name}` | {behaviour.meaning} |"
        for ending, behaviour in OUTCOMES_BY_AMOUNT.items()
    ]
    return "\n".join(["| amount ends in | outcome | what happens |", "| --- | --- | --- |", *rows])
