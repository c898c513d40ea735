"""A bank that asks what is due, for tests; asking through it makes sure that nothing changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from payment_hub.domain.banks.values import (
    Bill,
    CallbackReply,
    CallbackRequest,
    Inquiry,
    Instructions,
    PaymentRequest,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import answer_inquiry
from payment_hub.operations.payments.start import start_payment
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import count

FACTS = ("callback", "confirmation", "collection", "posting", "receipt", "payment_attempt", "event")


class Asks:
    """The ability: its messages are JSON of reference and amount, genuine when they say so."""

    def read_inquiry(self, request: CallbackRequest) -> Inquiry:
        """What is asked."""
        said = json.loads(request.body)
        if not said.get("genuine", True):
            raise CallbackRejected
        if "reference" not in said:
            raise Malformed("reference is missing")
        amount = dong(said["amount"]) if "amount" in said else None
        return Inquiry(said["reference"], amount, {"echo": said.get("echo", "")})

    def answer_inquiry(self, inquiry: Inquiry, bill: Bill) -> CallbackReply:
        """The bill as it is."""
        said = {
            "due": bill.due,
            "order": bill.order_reference,
            "attempt": bill.attempt_reference,
            "amount": None if bill.amount is None else str(bill.amount),
            "payer": bill.payer_name,
            "echo": inquiry.fields["echo"],
        }
        return CallbackReply(200, json.dumps(said).encode())


@dataclass
class AskingBank(Asks, StandInBank):
    """A bank that also calls back."""

    refusal: CallbackReply | None = None

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """As the test says."""
        return self.refusal


@dataclass
class OnlyAsking(Asks):
    """A bank that tells nothing."""

    code: str = "silent"
    profile: Any = StandInBank.profile

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Nothing to do."""
        return Instructions(bill_code=request.order_reference)


def asking(hub: Hub) -> Hub:
    """The hub with a bank that asks, one that does nothing else, and one that never does."""
    return with_banks(
        hub, asking=AskingBank(code="asking"), silent=OnlyAsking(), other=StandInBank(code="other")
    )


def asked(hub: Hub, bank: str = "asking", **said: Any) -> CallbackRequest:
    return CallbackRequest(
        "POST", f"/callbacks/{bank}/inquiry", b"", {}, json.dumps(said).encode(), hub.now()
    )


def answer(hub: Hub, reference: str, **said: Any) -> dict[str, Any]:
    """The bill, after making sure that asking changed nothing."""
    before = [count(hub, table) for table in FACTS]
    reply = answer_inquiry(hub, bank="asking", request=asked(hub, reference=reference, **said))
    assert [count(hub, table) for table in FACTS] == before
    bill: dict[str, Any] = json.loads(reply.body)
    return bill


def start(hub: Hub, reference: str, bank: str) -> str:
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi").reference
