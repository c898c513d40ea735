"""Pair off the debits of a bank's statements with refunds and chargebacks, in SQL (``sql/debits.sql``).

Works on temporary tables: ``debit`` (lines, with what each names), ``outflow`` (refunds and chargebacks),
``possible_match``, ``paired`` (one debit, one outflow) and ``debit_case`` (the case of each debit). Of an order that
is touched everything is there, of whatever day, so that the result does not depend on the day that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.banks.values import Movement
from payment_hub.domain.calendar import bounds
from payment_hub.domain.refunds.lifecycle import QUERIED, RefundEvent, RefundState, Route
from payment_hub.store.named_sql import named
from reconciliation.domain.debits import STATEMENT, MatchLevel
from reconciliation.store.temporary_tables import add_to, keep_as

#: What PostgreSQL calls hub time. ``business_day`` is its twin in Python; a test compares the two.
HUB_TIME: Final = "INTERVAL '7 hours'"

_SQL: Final = named(
    "reconciliation.store",
    "sql/debits.sql",
    debit=Movement.DEBIT,
    succeeded=RefundState.SUCCEEDED,
    failed=RefundState.FAILED,
    contradicted=RefundEvent.CONTRADICTED,
    by_bank=Route.BANK,
    by_transfer=Route.TRANSFER,
    unresolved=QUERIED,
    sent_by_bank=(*QUERIED, RefundState.SUCCEEDED, RefundState.FAILED),
    sent_by_transfer=(
        RefundState.APPROVED,
        RefundState.HANDED_IN,
        RefundState.SUCCEEDED,
        RefundState.FAILED,
    ),
    hub_time=HUB_TIME,
)


class RefundEvidence(NamedTuple):
    """A refund, by its key, that a debit proves or contradicts, and the debit's transaction."""

    refund: int
    transaction: str


def pair_off(session: Session, params: Mapping[str, Any]) -> None:
    """Fill the tables from ``candidate`` and the day. Of ``params`` it needs bank, day, starts_before and ends_at."""
    for table in ("debit_table", "touched_order_table", "paired_table"):
        session.execute(text(_SQL[table]))
    keep_as(session, "unread_line", _SQL["lines_of_the_day"], params)
    session.execute(text(_SQL["read_debits"]), {**params, "of_the_day": True})
    add_to(session, "touched_order", _SQL["touch_orders"], params)
    session.execute(text("DROP TABLE unread_line"))
    keep_as(session, "unread_line", _SQL["lines_of_touched_orders"], params)
    add_to(session, "debit", _SQL["read_debits"], {**params, "of_the_day": False})
    keep_as(session, "outflow", _SQL["outflows"], params)
    keep_as(session, "possible_match", _SQL["possible_matches"], {})
    for level in MatchLevel:
        while _pair(session, level):
            pass
    keep_as(session, "debit_case", _SQL["debit_cases"], {})


def add_candidates(session: Session, params: Mapping[str, Any]) -> None:
    """Add the cases of the day's debits, refunds and chargebacks to ``candidate``."""
    add_to(session, "candidate", _SQL["outflow_candidates"], params)


def refund_evidence(session: Session, *, bank: str, day: date) -> list[RefundEvidence]:
    """Unresolved refunds that debits of any day prove, and failed ones that debits of ``day`` contradict."""
    starts_at, ends_at = bounds(day)
    params = {"bank": bank, "day": day, "starts_before": starts_at - timedelta(days=1), "ends_at": ends_at}
    keep_as(session, "candidate", _SQL["unresolved_refunds"], params)
    pair_off(session, params)
    rows = session.execute(text(_SQL["refund_evidence"]), {"statement_code": STATEMENT})
    return [RefundEvidence(refund, transaction) for refund, transaction in rows]


def _pair(session: Session, level: MatchLevel) -> int:
    """Pair off one debit of each group; how many there were."""
    result: Any = session.execute(text(_SQL["pair"]), {"match_level": int(level)})
    return int(result.rowcount)
