"""Questions that the clock and operators ask again and again go by small indexes, however large the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from payment_hub.hub import Hub
from payment_hub.store import payments
from tests.worlds.orders import a_portal, an_agency, an_order

MOMENT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

MANY = (
    """INSERT INTO payment_attempt (order_id, number, reference, bank, state, amount, currency, started_at, changed_at,
        query_at, queries) SELECT 1, n, 'r' || n, 'b' || n % 7, 'SUCCEEDED', 1, 'VND', :at, :at, :at, 0
    FROM generate_series(1, 20000) n""",
    """INSERT INTO confirmation (source, bank, event_id, reference, outcome, code, digest, verdict, disposition,
        judged_at, key)
    SELECT 'CALLBACK', 'b' || n % 7, 'e' || n, 'r', 'PENDING', '', '', 'STILL_PENDING', 'APPLIED', :at, 0
    FROM generate_series(1, 20000) n""",
    """INSERT INTO payment_attempt (order_id, number, reference, bank, state, amount, currency, started_at, changed_at,
        query_at, queries) SELECT id, 0, 'w' || id, 'b' || id % 7, 'PENDING', 1, 'VND', :at, :at, :at, 0
    FROM payment_order""",
    "ANALYZE payment_attempt",
    "ANALYZE confirmation",
)

PARAMS: dict[str, Any] = {
    "now": MOMENT,
    "leased_until": MOMENT,
    "bank": "b1",
    "looked_through": 100_000,
    "since": MOMENT,
    "most": 10_000,
}


@pytest.fixture
def full(hub: Hub) -> Hub:
    """The hub with many attempts and confirmations, of which some wait for their payers."""
    agency, portal = an_agency(hub), a_portal(hub)
    for _ in range(150):
        an_order(hub, agency, portal)
    with hub.transaction() as session:
        for sql in MANY:
            session.execute(text(sql), {"at": MOMENT} if ":at" in sql else {})
    return hub


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    ("question", "indexes"),
    [
        (payments.DUE[0]["claim_due"], {"ix_payment_attempt_awaiting"}),
        (payments.DUE[1]["claim_due"], {"ix_payment_attempt_query_at"}),
        (payments.DUE[0]["banks_due"], {"ix_payment_attempt_awaiting"}),
        (payments.DUE[1]["banks_due"], {"ix_payment_attempt_query_at"}),
        (payments.SQL["unresolved_by_bank"], {"ix_payment_attempt_awaiting"}),
        (payments.SQL["count_overdue"], {"ix_payment_attempt_awaiting"}),
        (payments.SQL["resolved_by_bank"], {"ix_payment_attempt_resolved"}),
        (payments.SQL["key_use"], {"pk_confirmation", "ix_confirmation_key_before"}),
    ],
    ids=["told", "due", "banks told", "banks due", "waiting", "overdue", "known", "keys"],
)
def test_it_goes_by_its_own_index(full: Hub, question: TextClause, indexes: set[str]) -> None:
    with full.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {question.text}"), PARAMS))
    assert "Seq Scan" not in plan, plan
    assert {index for index in indexes if index in plan} == indexes, plan
