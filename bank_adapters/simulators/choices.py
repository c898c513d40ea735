"""What can become of a payment at the simulator: what a citizen chooses on the page, and what a test wants to see."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bank_adapters.simulators.callbacks import CallbackSender
from bank_adapters.simulators.simulator import Payment, Simulator, WireRequest

LATE_SECONDS: Final = 3.0
"""How long after the payment a late message is sent."""
STALE: Final = timedelta(days=2)
"""How old an old message is: older than any bank accepts."""

MODES: Final = ("normal", "slow", "hang_up", "error_500", "garbage")
"""How the bank's own interface answers."""
REFUND_STATES: Final = ("", "PENDING", "SUCCEEDED", "FAILED")


class NotOffered(Exception):
    """The bank has no such thing; the text says why."""


def choose(simulator: Simulator, sender: CallbackSender, payment: Payment, choice: str) -> None:
    """Do what ``choice`` says with ``payment``. Raises NotOffered."""
    if choice not in CHOICES:
        raise NotOffered(f"choice is one of {', '.join(CHOICES)}")
    if payment.outcome != "PENDING":
        raise NotOffered(f"{payment.reference} is {payment.outcome} already")
    CHOICES[choice](simulator, sender, payment)


def choose_in_app(simulator: Simulator, sender: CallbackSender, payment: Payment, choice: str) -> None:
    """The same for the payer of a code or a bill, who can only walk away, unless the bank sends a callback of that."""
    if choice == "decline" and not simulator.callbacks(replace(payment, outcome="DECLINED")):
        choice = "undecided"
    choose(simulator, sender, payment, choice)


def _pay(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    simulator.pay(payment)


def _decline(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    simulator.decline(payment)


def _silent(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    simulator.book.settle(payment, "PAID", notify=False)


def _late(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    _paid_callbacks(
        simulator, _as_paid(simulator, payment)
    )  # a bank that says nothing must not take money for it
    callbacks = simulator.callbacks(simulator.book.settle(payment, "PAID", notify=False))
    sender.send(simulator, payment.reference, callbacks, after=LATE_SECONDS)


def _twice(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    _paid_callbacks(
        simulator, _as_paid(simulator, payment)
    )  # a bank that says nothing must not take money for it
    callbacks = simulator.callbacks(simulator.book.settle(payment, "PAID", notify=False))
    sender.send(simulator, payment.reference, [*callbacks, *callbacks])


def _wrong_amount(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    simulator.book.settle(payment, "PAID", amount=wrong_amount(payment.amount))


def _undecided(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    """The payer goes away; nothing happens."""


def _altered(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    """A genuine message is changed on its way; the payment itself stays as it is."""
    if not simulator.signed:
        raise NotOffered("its messages are not signed over their content")
    callbacks = [
        altered(callback, payment.amount)
        for callback in _paid_callbacks(simulator, _as_paid(simulator, payment))
    ]
    sender.send(simulator, payment.reference, callbacks, retries=())


def _stale(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    """A genuine message of the day before yesterday; the payment itself stays as it is."""
    if not simulator.dated:
        raise NotOffered("its signature covers no time of sending")
    with simulator.book.at(datetime.now(UTC) - STALE):
        callbacks = _paid_callbacks(simulator, _as_paid(simulator, payment))
    sender.send(simulator, payment.reference, callbacks, retries=())


def _unknown_order(simulator: Simulator, sender: CallbackSender, payment: Payment) -> None:
    """A genuine message about a payment that the hub never opened; this one stays as it is."""
    unknown = replace(_as_paid(simulator, payment), reference=strange_reference(payment.reference))
    sender.send(simulator, payment.reference, _paid_callbacks(simulator, unknown), retries=())


CHOICES: Final[dict[str, Callable[[Simulator, CallbackSender, Payment], None]]] = {
    "pay": _pay,
    "decline": _decline,
    "silent": _silent,
    "late": _late,
    "twice": _twice,
    "wrong_amount": _wrong_amount,
    "undecided": _undecided,
    "altered": _altered,
    "stale": _stale,
    "unknown_order": _unknown_order,
}


def wrong_amount(amount: int) -> int:
    """Another amount: 1,000 dong less where there is so much, else more."""
    return amount - 1000 if amount > 1000 else amount + 1000


def strange_reference(reference: str) -> str:
    """A reference of the same form that the hub never gave."""
    if reference.isascii() and reference.isdigit():
        return str(900_719_925_474_000 + int(reference) % 1000)  # beyond all that we count, within 53 bits
    turned = re.sub(r"(?<=DV)[0-9A-Z]{14}", lambda match: match[0][::-1], reference)
    return turned if turned != reference else reference[::-1]


def altered(callback: WireRequest, amount: int) -> WireRequest:
    """``callback`` with another amount in it under the old signature; where none can be read, with one other byte."""
    digits = str(amount).encode()
    other = (b"1" if digits[:1] != b"1" else b"2") + digits[1:]
    if digits in callback.body or digits in callback.query:
        return replace(
            callback, body=callback.body.replace(digits, other), query=callback.query.replace(digits, other)
        )
    if callback.body:
        return replace(callback, body=_one_other_byte(callback.body))
    return replace(callback, query=_one_other_byte(callback.query))


def _one_other_byte(text: bytes) -> bytes:
    place = len(text) // 2
    while not text[place : place + 1].isalnum():
        place -= 1
    other = b"A" if text[place : place + 1] != b"A" else b"B"
    return text[:place] + other + text[place + 1 :]


def _as_paid(simulator: Simulator, payment: Payment) -> Payment:
    """A copy that says it was paid just now."""
    number = str(simulator.book.next_number())
    return replace(payment, outcome="PAID", transaction_id=number, paid_at=simulator.book.now())


def _paid_callbacks(simulator: Simulator, payment: Payment) -> list[WireRequest]:
    callbacks = simulator.callbacks(payment)
    if not callbacks:
        raise NotOffered("it tells the hub nothing; the hub asks, or reads its statement")
    return callbacks
