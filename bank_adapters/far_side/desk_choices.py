"""What can become of a payment at the desk: what a citizen chooses on the page, and what a test wants to see."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bank_adapters.far_side.desk import FarSide, Payment, WireRequest
from bank_adapters.far_side.desk_courier import Courier

LATE_SECONDS: Final = 3.0
"""How long after the payment a late message is sent."""
STALE: Final = timedelta(days=2)
"""How old an old message is: beyond every rail's patience."""

MODES: Final = ("normal", "slow", "hang_up", "error_500", "garbage")
"""How the rail's own interface answers."""
REFUND_STATES: Final = ("", "PENDING", "SUCCEEDED", "FAILED")


class NotOffered(Exception):
    """The rail has no such thing; the text says why."""


def choose(far_side: FarSide, courier: Courier, payment: Payment, choice: str) -> None:
    """Do what ``choice`` says with ``payment``. Raises NotOffered."""
    if choice not in CHOICES:
        raise NotOffered(f"choice is one of {', '.join(CHOICES)}")
    if payment.outcome != "PENDING":
        raise NotOffered(f"{payment.reference} is {payment.outcome} already")
    CHOICES[choice](far_side, courier, payment)


def choose_in_app(far_side: FarSide, courier: Courier, payment: Payment, choice: str) -> None:
    """The same for whoever scans a code or names a bill: he can only walk away, unless the rail tells of that."""
    if choice == "decline" and not far_side.notices(replace(payment, outcome="DECLINED")):
        choice = "undecided"
    choose(far_side, courier, payment, choice)


def _pay(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    far_side.desk.settle(payment, "PAID")


def _decline(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    far_side.desk.settle(payment, "DECLINED")


def _silent(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    far_side.desk.settle(payment, "PAID", tell=False)


def _late(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    _paid_notices(
        far_side, _as_paid(far_side, payment)
    )  # a rail that says nothing must not take money for it
    notices = far_side.notices(far_side.desk.settle(payment, "PAID", tell=False))
    courier.owe(far_side, payment.reference, notices, after=LATE_SECONDS)


def _twice(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    _paid_notices(
        far_side, _as_paid(far_side, payment)
    )  # a rail that says nothing must not take money for it
    notices = far_side.notices(far_side.desk.settle(payment, "PAID", tell=False))
    courier.owe(far_side, payment.reference, [*notices, *notices])


def _wrong_amount(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    far_side.desk.settle(payment, "PAID", amount=wrong_amount(payment.amount))


def _undecided(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    """The payer goes away; nothing happens."""


def _altered(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    """A genuine message is changed on its way; the payment itself stays as it is."""
    if not far_side.signed:
        raise NotOffered("its messages are not signed over their content")
    notices = [
        altered(notice, payment.amount) for notice in _paid_notices(far_side, _as_paid(far_side, payment))
    ]
    courier.owe(far_side, payment.reference, notices, retries=())


def _stale(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    """A genuine message of the day before yesterday; the payment itself stays as it is."""
    if not far_side.dated:
        raise NotOffered("its signature covers no time of sending")
    with far_side.desk.shifted(-STALE):
        notices = _paid_notices(far_side, _as_paid(far_side, payment))
    courier.owe(far_side, payment.reference, notices, retries=())


def _unknown_order(far_side: FarSide, courier: Courier, payment: Payment) -> None:
    """A genuine message about a payment that the hub never opened; this one stays as it is."""
    stranger = replace(_as_paid(far_side, payment), reference=strange_reference(payment.reference))
    courier.owe(far_side, payment.reference, _paid_notices(far_side, stranger), retries=())


CHOICES: Final[dict[str, Callable[[FarSide, Courier, Payment], None]]] = {
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
    turned = re.sub(r"(?<=DV)[0-9A-Z]{14}", lambda found: found[0][::-1], reference)
    return turned if turned != reference else reference[::-1]


def altered(notice: WireRequest, amount: int) -> WireRequest:
    """``notice`` with another amount in it under the old signature; where none can be read, with one other byte."""
    digits = str(amount).encode()
    other = (b"1" if digits[:1] != b"1" else b"2") + digits[1:]
    if digits in notice.body or digits in notice.query:
        return replace(
            notice, body=notice.body.replace(digits, other), query=notice.query.replace(digits, other)
        )
    if notice.body:
        return replace(notice, body=_one_other_byte(notice.body))
    return replace(notice, query=_one_other_byte(notice.query))


def _one_other_byte(text: bytes) -> bytes:
    place = len(text) // 2
    while not text[place : place + 1].isalnum():
        place -= 1
    other = b"A" if text[place : place + 1] != b"A" else b"B"
    return text[:place] + other + text[place + 1 :]


def _as_paid(far_side: FarSide, payment: Payment) -> Payment:
    """A copy that says it was paid just now."""
    number = str(far_side.desk.next_number())
    return replace(payment, outcome="PAID", transaction_id=number, paid_at=far_side.desk.now())


def _paid_notices(far_side: FarSide, payment: Payment) -> list[WireRequest]:
    notices = far_side.notices(payment)
    if not notices:
        raise NotOffered("it tells the hub nothing; the hub asks, or reads its statement")
    return notices
