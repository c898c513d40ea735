"""Statements that move an attempt make the moves of its lifecycle's table, and no others."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

import payment_hub.store
from payment_hub.domain.payments import ATTEMPT_LIFE, AttemptState
from payment_hub.hub import Hub
from payment_hub.store import payments
from tests.worlds.orders import a_portal, an_agency, an_order

MOMENT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MOVES = {(source, target) for (source, _), target in ATTEMPT_LIFE.table.items()}
INSERT = text(
    """INSERT INTO payment_attempt (order_id, number, reference, bank, state, amount, currency, started_at, changed_at,
        query_at) VALUES (1, 1, 'r', 'b', :state, 1, 'VND', :now, :now, :now) RETURNING id"""
)


@pytest.mark.parametrize("give_up", [False, True])
@pytest.mark.parametrize("state", AttemptState)
def test_scheduling_a_query_moves_by_the_table(hub: Hub, state: AttemptState, give_up: bool) -> None:
    an_order(hub, an_agency(hub), a_portal(hub))
    with hub.transaction() as session:
        number = session.execute(INSERT, {"state": state, "now": MOMENT}).scalar_one()
        claimed = payments.ClaimedAttempt(
            number, 1, "b", "r", 1, "VND", MOMENT, None, 0, state, None, None, MOMENT, ""
        )
        payments.schedule_query(
            session,
            claimed,
            MOMENT,
            counts=True,
            now=MOMENT,
            expected_by=MOMENT,
            overdue=False,
            give_up=give_up,
        )
        after = AttemptState(
            session.execute(
                text("SELECT state FROM payment_attempt WHERE id = :id"), {"id": number}
            ).scalar_one()
        )
        session.rollback()
    assert after is state or (state, after) in MOVES
    assert (after is not state) == (
        state is AttemptState.SUBMITTING or (give_up and state is AttemptState.PENDING)
    )


def test_no_statement_names_the_state_that_an_attempt_moves_to() -> None:
    folder = Path(payment_hub.store.__file__).parent
    files = [*folder.glob("*.py"), *folder.glob("sql/*.sql")]
    assert len(files) > 20
    written = re.compile(r"UPDATE payment_attempt\b(?:(?!;|UPDATE ).)*?\bstate = '[A-Z]", re.DOTALL)
    assert [file.name for file in files if written.search(file.read_text(encoding="utf-8"))] == []
