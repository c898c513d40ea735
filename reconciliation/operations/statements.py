"""Hear what debits in a bank's statements say of refunds: money that left is the proof that it went back.

Collect a bank's statement of one day, and take in the money that only the statement tells of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.banks.values import Confirmation, Outcome, Statement
from payment_hub.domain.errors import Malformed, MalformedStatement
from payment_hub.domain.refunds.lifecycle import RefundEvent
from payment_hub.operations.refunds.send import record_refund_result
from reconciliation.books import Books
from reconciliation.store import debits, statements


def match_debits(books: Books, *, bank: str, day: date) -> int:
    """How many refunds the hub was told of, by the same door as its bank's own answers.

    Those are the refunds of unknown outcome that a debit of any day shows, and failed ones that a debit of ``day``
    contradicts. Where one debit may be any of several equal refunds, none is told: it proves that one went back, and
    not which.
    """
    with books.hub.transaction() as session:
        shown = debits.shown(session, bank=bank, day=day)
    for key, transaction in shown:
        code = f"{debits.STATEMENT} {transaction}"
        record_refund_result(books.hub, key=key, event=RefundEvent.RETURNED, code=code)
    return len(shown)


_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What a statement brought."""

    refused: str | None = None
    new_file: bool = False
    new_lines: int = 0
    money_learnt: int = 0
    """Credits that no callback had told of."""
    refunds_learnt: int = 0
    """Refunds of which a debit says what their bank had not told."""


def collect_statement(books: Books, *, bank: str, day: date) -> Collected:
    """Fetch, keep and claim the statement; hand unheard money to the hub. Any number of times, with one effect.

    A file that cannot be read is kept and refused as a whole. Raises BankNotFound, and BankUnavailable while the bank
    has no statement for us.
    """
    statement, refused = _fetch(books, bank, day)
    lines, at = statement.lines, books.now()
    with books.hub.transaction() as session:
        file = statements.claim_file(
            session,
            bank=bank,
            day=day,
            raw=statement.raw,
            lines=len(lines),
            shows_debits=statement.shows_debits,
            reason=refused,
            at=at,
        )
        new_lines = 0
        if file is not None and refused is None:
            new_lines = statements.claim_lines(session, file=file, bank=bank, day=day, lines=lines, at=at)
    learnt = _tell_the_hub(books, bank, day)
    return Collected(refused, file is not None, new_lines, learnt, match_debits(books, bank=bank, day=day))


def _fetch(books: Books, bank: str, day: date) -> tuple[Statement, str | None]:
    """The statement, and why it is refused: then it has no lines."""
    try:
        statement = books.hub.adapter_with(bank, HasStatement).fetch_statement(day)
    except Malformed as error:
        raw = error.raw if isinstance(error, MalformedStatement) else b""
        return Statement(day, raw, ()), error.detail or "it cannot be read"
    if statement.day != day:
        why = f"the statement is of {statement.day.isoformat()}, not of {day.isoformat()}"
        return Statement(day, statement.raw, ()), why
    return statement, None


def _tell_the_hub(books: Books, bank: str, day: date) -> int:
    """Every credit without a collection becomes a confirmation, by the same door as a callback."""
    told, after = 0, ""
    while True:
        with books.hub.transaction() as session:
            unheard = statements.unreported(session, bank=bank, day=day, after=after, limit=_PAGE)
        for transaction, reference, amount, booked_at in unheard:
            confirmation = Confirmation(
                bank=bank,
                event_id=f"statement:{transaction}",
                reference=reference,
                outcome=Outcome.PAID,
                amount=amount,
                bank_transaction_id=transaction,
                paid_at=booked_at,
                code="STATEMENT",
            )
            books.confirm(confirmation=confirmation, received_at=books.now())
            told, after = told + 1, transaction
        if len(unheard) < _PAGE:
            return told
