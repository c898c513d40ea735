"""Hear what debits in a bank's statements say of refunds: money that left is the proof that it went back."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.refund import RefundEvent
from payment_hub.operations.hear_refund_answer import hear_refund_answer
from reconciliation.books import Books
from reconciliation.store import given_back


def hear_debits(books: Books, *, bank: str, day: date) -> int:
    """How many refunds the hub was told of, by the same door as its bank's own answers.

    Those are the refunds of unknown outcome that a debit of any day shows, and failed ones that a debit of ``day``
    contradicts. Where one debit may be any of several equal refunds, none is told: it proves that one went back, and
    not which.
    """
    with books.hub.transaction() as session:
        shown = given_back.shown(session, bank=bank, day=day)
    for key, transaction in shown:
        code = f"{given_back.STATEMENT} {transaction}"
        hear_refund_answer(books.hub, key=key, event=RefundEvent.RETURNED, code=code)
    return len(shown)
