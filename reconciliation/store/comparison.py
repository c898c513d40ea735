"""Compare two books inside the database: load what does not pair off at sight, apply the rules, count everything.

Works on three temporary tables that live as long as the transaction: ``candidate`` (keys of cases), ``item`` (all that
both books have of them) and ``compared_case`` (one row a case, with the kind). No row of them ever reaches Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.banks.values import Movement
from payment_hub.domain.calendar import bounds
from payment_hub.domain.ledger import Account
from payment_hub.domain.refunds.lifecycle import RefundState, Route
from payment_hub.domain.settlement import Disposition
from payment_hub.store.connections import allow_seq_scan
from payment_hub.store.named_sql import named
from reconciliation.domain.discrepancies import LIVE
from reconciliation.domain.files import FileState
from reconciliation.domain.rules import FILE_KINDS, rules_for_side
from reconciliation.domain.runs import Scope, Side
from reconciliation.domain.totals import Book, Column, Figure, ItemCount
from reconciliation.domain.views import FileView
from reconciliation.store import debits
from reconciliation.store.temporary_tables import add_to, keep_as


def kind_of(side: Side, *, of_files: bool = False) -> str:
    """The SQL expression for the kind of the first rule that holds; NULL when none does."""
    tests = (f"WHEN {rule.condition} THEN '{rule.kind}'" for rule in rules_for_side(side, of_files=of_files))
    return f"CASE {' '.join(tests)} END"


_SQL: Final = named(
    "reconciliation.store",
    "sql/comparison.sql",
    credit=Movement.CREDIT,
    debit=Movement.DEBIT,
    accepted=FileState.ACCEPTED,
    conflict=Disposition.CONFLICT,
    suspense=Account.SUSPENSE,
    overpayment=Account.OVERPAYMENT,
    open_accounts=(Account.SUSPENSE, Account.OVERPAYMENT),
    by_bank=Route.BANK,
    succeeded=RefundState.SUCCEEDED,
    live=LIVE,
    file_kinds=FILE_KINDS,
    bank_kind=kind_of(Side.BANK),
    agency_kind=kind_of(Side.AGENCY),
    money_kind=kind_of(Side.MONEY),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which books are compared, and for which day."""

    scope: Scope
    agency_id: int | None
    day: date

    def params(self) -> dict[str, Any]:
        """The parameters of the statements."""
        starts_at, ends_at = bounds(self.day)
        return {
            "scope": str(self.scope),
            "side": str(self.scope.side),
            "bank": self.scope.code,
            "agency_id": self.agency_id,
            "day": self.day,
            "starts_at": starts_at,
            "starts_before": starts_at - timedelta(days=1),
            "ends_at": ends_at,
        }


def snapshot_isolation(session: Session) -> None:
    """Let the transaction see the database as of one moment. Must be its first statement."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    session.execute(text("SET LOCAL work_mem = '256MB'"))
    # Compiling takes longer than these few plain expressions ever save.
    session.execute(text("SET LOCAL jit = off"))
    allow_seq_scan(session)


def load(session: Session, comparison: Comparison) -> None:
    """Fill ``candidate``, ``item`` and ``compared_case``."""
    params, side = comparison.params(), comparison.scope.side
    keep_as(session, "candidate", _SQL[f"{side}_candidates"], params)
    add_to(session, "candidate", _SQL["open_candidates"], params)
    if side is Side.BANK:
        debits.pair_off(session, params)
        debits.add_candidates(session, params)
    keep_as(session, "item", _SQL[f"{side}_items"], params)
    cases = "money_cases" if side is Side.MONEY else "two_sided_cases"
    keep_as(session, "compared_case", _SQL[cases], params)


def items_of_the_day(session: Session, comparison: Comparison) -> dict[tuple[Book, str], Figure]:
    """All items of the day, by book and currency. The ledger's money has no day of its own."""
    if comparison.scope.side is Side.MONEY:
        return {}
    query = _SQL[f"{comparison.scope.side}_items_of_the_day"]
    rows = session.execute(text(query), comparison.params())
    return {(Book(book), currency): Figure(count, amount) for book, currency, count, amount in rows}


def item_counts(session: Session, comparison: Comparison) -> list[ItemCount]:
    """The items that did not pair off at sight, by what became of them."""
    rows = session.execute(text(_SQL["item_counts"]), {"day": comparison.day})
    return [
        ItemCount(Book(book), currency, Column(became), of_the_day, Figure(count, amount))
        for book, currency, became, of_the_day, count, amount in rows
    ]


def digest(session: Session) -> tuple[object, ...]:
    """A fingerprint of every item, independent of the order in which they were stored."""
    return tuple(session.execute(text(_SQL["digest"])).one())


def files(session: Session, comparison: Comparison) -> list[FileView]:
    """The other side's files of the day. The hub's own ledger comes in no file."""
    if comparison.scope.side is Side.MONEY:
        return []
    rows = session.execute(text(_SQL[f"{comparison.scope.side}_files"]), comparison.params())
    return [FileView(sha256, FileState(state), reason, lines) for sha256, state, reason, lines in rows]
