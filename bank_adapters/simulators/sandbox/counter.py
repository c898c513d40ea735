"""The bank's counter: opens payments, moves money as the table of amounts says, and owes the hub the messages
about it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bank_adapters.simulators.sandbox.book import Book, Payment, as_moment
from bank_adapters.simulators.sandbox.outcomes import BEHAVIOURS, Behaviour, Told, behaviour_of

ACCOUNT_BANK, ACCOUNT_NAME = "970499", "KHO BAC SANDBOX"


class Refused(Exception):
    """The request cannot be done; the text says why."""


class Counter:
    """What happens at the bank. ``delay_seconds`` is the unit of every delay in the table."""

    def __init__(
        self, book: Book, now: Callable[[], datetime], *, delay_seconds: float, callback_url: str | None
    ) -> None:
        self._book, self._now, self._delay, self._callback_url = (book, now, delay_seconds, callback_url)

    def open(self, asked: Mapping[str, Any]) -> Payment:
        """Open a payment, or find the one that was opened with the same words."""
        if asked.get("type") != "payment.open" or asked.get("currency") != "VND":
            raise Refused("payment.open in VND is needed")
        reference, order, amount = asked["attempt_reference"], asked["order_reference"], int(asked["amount"])
        if not (reference and order and amount > 0):
            raise Refused("both references and a positive amount are needed")
        with self._book.lock:
            payment = self._book.payments.get(reference)
            if payment is None:
                self._book.write("opened", **{**asked, "amount": amount}, number=self._book.next_number())
            elif payment.opened["amount"] != amount:
                raise Refused(f"{reference} was opened with another amount")
            return self._book.payments[reference]

    def pay(self, reference: str, wish: Mapping[str, Any]) -> Payment:
        """The payer pays ``reference``.

        ``wish`` may name ``outcome``, ``amount``, ``paid_at`` and ``reference`` ("order").
        """
        with self._book.lock:
            payment = self._book.payments.get(reference)
            if payment is None:
                raise Refused(f"{reference} was never opened here")
            if payment.status != "PENDING":
                raise Refused(f"{reference} is {payment.status} already")
            behaviour = _behaviour(wish, payment.opened["amount"])
            amount = int(wish.get("amount", payment.opened["amount"] + (behaviour.moves or 0)))
            told_as = payment.opened["order_reference"] if wish.get("reference") == "order" else reference
            self._move(payment, behaviour, max(1, amount), told_as, wish.get("paid_at"))
            return payment

    def transfer(self, wish: Mapping[str, Any]) -> Payment:
        """Money that nobody announced arrives with whatever the payer typed as ``reference``."""
        with self._book.lock:
            attempt = f"transfer-{self._book.next_number()}"
            typed, amount = str(wish["reference"]), max(1, int(wish["amount"]))
            behaviour = _behaviour(wish, 0)
            self._book.write(
                "opened", attempt_reference=attempt, order_reference=typed, amount=amount, number=0
            )
            payment = self._book.payments[attempt]
            self._move(payment, behaviour, amount, typed, wish.get("paid_at"))
            return payment

    def _move(
        self, payment: Payment, behaviour: Behaviour, amount: int, told_as: str, paid_at: str | None
    ) -> None:
        moved = behaviour.moves is not None
        transaction = f"SBX{self._book.next_number():06d}{secrets.token_hex(3)}" if moved else None
        moment = as_moment(datetime.fromisoformat(paid_at) if paid_at else self._now()) if moved else None
        self._book.write(
            "moved",
            attempt_reference=payment.opened["attempt_reference"],
            status=behaviour.last_word or ("PAID" if moved else "DECLINED"),
            reference=told_as,
            amount=amount,
            transaction_id=transaction,
            paid_at=moment,
        )
        for more in behaviour.statement:
            self._book.write(
                "booked",
                transaction_id=transaction,
                reference=told_as,
                amount=max(1, amount + more),
                booked_at=moment,
            )
        for told in behaviour.told:
            self._owe(payment, told)

    def _owe(self, payment: Payment, told: Told) -> None:
        url = payment.opened.get("callback_url") or self._callback_url
        if not url:
            return
        body = {
            "type": "payment.result",
            **facts_of(payment),
            "status": told.status,
            "amount": str(payment.amount + told.more),
        }
        if told.status != "PAID":
            body["transaction_id"] = body["paid_at"] = None
        self._book.write(
            "owed",
            message_id=f"evt_{self._book.next_number()}_{secrets.token_hex(6)}",
            url=url,
            body=json.dumps(body),
            due=time.time() + told.late * self._delay,
            forged_first=told.forged_first,
            sends=told.sent,
        )


def facts_of(payment: Payment) -> dict[str, Any]:
    """What the bank says of a payment, in a callback and in the answer to a query."""
    return {
        "attempt_reference": payment.opened["attempt_reference"],
        "order_reference": payment.opened["order_reference"],
        "reference": payment.reference,
        "status": payment.status,
        "amount": str(payment.amount),
        "currency": "VND",
        "transaction_id": payment.transaction_id,
        "paid_at": payment.paid_at,
    }


def _behaviour(wish: Mapping[str, Any], amount: int) -> Behaviour:
    if "outcome" not in wish:
        return behaviour_of(amount)
    if wish["outcome"] not in BEHAVIOURS:
        raise Refused(f"outcome is one of {', '.join(BEHAVIOURS)}")
    return BEHAVIOURS[wish["outcome"]]
