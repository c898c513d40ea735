"""Statements: collect a bank's statement of one day, and record the money that only the statement shows."""

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
from reconciliation.domain.debits import STATEMENT
from reconciliation.store import debits, statements

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class CollectedStatement:
    """What a statement brought."""

    refused: str | None = None
    new_file: bool = False
    new_lines: int = 0
    new_money: int = 0
    """Credits that no callback had reported."""
    new_refund_results: int = 0
    """Refunds whose result only a debit shows."""


def collect_statement(books: Books, *, bank: str, day: date) -> CollectedStatement:
    """Fetch, keep and claim the statement; confirm unreported money. Any number of times, with one effect.

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
    new_money = _confirm_unreported(books, bank, day)
    new_results = match_debits(books, bank=bank, day=day)
    return CollectedStatement(refused, file is not None, new_lines, new_money, new_results)


def match_debits(books: Books, *, bank: str, day: date) -> int:
    """How many refunds got their result from a debit, recorded like an answer of their bank.

    These are unresolved refunds that a debit of any day proves, and failed ones that a debit of ``day`` contradicts.
    One debit that may be any of several equal refunds proves that one was carried out, and not which: none is recorded.
    """
    with books.hub.transaction() as session:
        evidence = debits.refund_evidence(session, bank=bank, day=day)
    for refund, transaction in evidence:
        code = f"{STATEMENT} {transaction}"
        record_refund_result(books.hub, key=refund, event=RefundEvent.RETURNED, code=code)
    return len(evidence)


def _fetch(books: Books, bank: str, day: date) -> tuple[Statement, str | None]:
    """The statement, and why it is refused: then it has no lines."""
    try:
        statement = books.hub.adapter_with(bank, HasStatement).fetch_statement(day)
    except Malformed as error:
        raw = error.raw if isinstance(error, MalformedStatement) else b""
        return Statement(day, raw, ()), error.detail or "it cannot be read"
    if statement.day != day:
        reason = f"the statement is of {statement.day.isoformat()}, not of {day.isoformat()}"
        return Statement(day, statement.raw, ()), reason
    return statement, None


def _confirm_unreported(books: Books, bank: str, day: date) -> int:
    """Every credit without a collection becomes a confirmation, recorded like a callback."""
    confirmed, after = 0, ""
    while True:
        with books.hub.transaction() as session:
            credits = statements.unreported(session, bank=bank, day=day, after=after, limit=_PAGE)
        for credit in credits:
            confirmation = Confirmation(
                bank=bank,
                event_id=f"statement:{credit.transaction}",
                reference=credit.reference,
                outcome=Outcome.PAID,
                amount=credit.amount,
                bank_transaction_id=credit.transaction,
                paid_at=credit.booked_at,
                code=STATEMENT,
            )
            books.confirm(confirmation=confirmation, received_at=books.now())
            confirmed, after = confirmed + 1, credit.transaction
        if len(credits) < _PAGE:
            return confirmed
