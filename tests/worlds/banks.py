"""Banks for tests: the sandbox over real HTTP, and a stand-in that gives every answer a test needs."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, ClassVar

from bank_adapters import load_adapters
from bank_adapters.toolkit import standard_webhooks
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.profile import BankProfile, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentQuery,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.hub import Hub
from payment_hub.store import confirmations
from tests.simulators.sandbox import Sandbox, serve

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
INSTRUCTIONS = Instructions(page_url="https://bank.test/pay", bank_reference="B1")

_numbers = itertools.count(1)


def _open(request: PaymentRequest) -> Instructions:
    return INSTRUCTIONS


def _stay_pending(query: PaymentQuery) -> Confirmation:
    return Confirmation("standin", f"q-{query.attempt_reference}", query.attempt_reference, Outcome.PENDING)


@dataclass
class StandInBank:
    """Opens at once and knows no outcome, unless the test says otherwise; remembers what it was asked."""

    on_open: Callable[[PaymentRequest], Instructions] = _open
    on_query: Callable[[PaymentQuery], Confirmation] = _stay_pending
    opened: list[PaymentRequest] = field(default_factory=list)
    queried: list[PaymentQuery] = field(default_factory=list)
    code: str = "standin"
    profile: ClassVar[BankProfile] = BankProfile("A stand-in", (PaymentMethod.PAGE,), ())

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """As the test says."""
        self.opened.append(request)
        return self.on_open(request)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """It sends none."""
        raise CallbackRejected

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """The word itself."""
        return CallbackReply(200, answer.value.encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """It has no words of its own."""
        return None

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """As the test says."""
        self.queried.append(query)
        return self.on_query(query)

    def fetch_statement(self, day: date) -> Statement:
        """It has none."""
        raise BankUnavailable


def answers_in_turn(*words: Any) -> Callable[[Any], Any]:
    """Answer with each word in turn and then with the last one again; raise those that are errors."""
    queue = list(words)

    def answer(_: Any) -> Any:
        word = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(word, BaseException):
            raise word
        return word

    return answer


def with_banks(hub: Hub, **banks: BankAdapter) -> Hub:
    """The hub with these banks."""
    return replace(hub, adapters=banks)


@contextmanager
def a_sandbox_bank() -> Iterator[tuple[Sandbox, BankAdapter]]:
    """The sandbox bank in threads of this process, and the adapter that speaks to it. It calls nobody back."""
    with serve(SECRET) as bank:
        section = {"URL": bank.url, "SECRET": SECRET, "READ_SECONDS": "3"}
        yield bank, load_adapters(["sandbox"], {"sandbox": section})["sandbox"]


def store_unjudged_callback(hub: Hub, genuine: CallbackRequest) -> None:
    """Leave a callback as a process leaves it that dies after storing it."""
    confirmation = sandbox_adapter().read_callback(genuine)
    with hub.autocommit() as connection:
        confirmations.read_context(
            connection, confirmation, genuine.received_at, hub.checkout_url, request=genuine
        )


def sandbox_adapter() -> Any:
    """The adapter alone, for callbacks: nobody listens where it would ask."""
    section = {"URL": "http://127.0.0.1:9", "SECRET": SECRET, "READ_SECONDS": "3"}
    return load_adapters(["sandbox"], {"sandbox": section})["sandbox"]


def a_callback(reference: str, at: datetime, amount: int = 150_000, **more: Any) -> CallbackRequest:
    """A genuine callback of the sandbox bank; ``message_id`` names it, every other word goes into its body."""
    number = next(_numbers)
    message_id = more.pop("message_id", f"evt_{number}")
    said = {
        "type": "payment.result",
        "attempt_reference": reference,
        "order_reference": reference,
        "reference": reference,
        "status": "PAID",
        "amount": str(amount),
        "currency": "VND",
        "transaction_id": f"SBX{number}",
        "paid_at": None,
    } | more
    return signed_callback(json.dumps(said).encode(), at, message_id)


def signed_callback(body: bytes, at: datetime, message_id: str = "evt_1") -> CallbackRequest:
    """Any body under the sandbox bank's genuine signature."""
    headers = standard_webhooks.sign(KEY, message_id=message_id, sent_at=at, body=body)
    headers = {"content-type": "application/json", **headers}
    return CallbackRequest("POST", "/callbacks/sandbox", b"", headers, body, at, "203.0.113.9")
