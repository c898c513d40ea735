"""A night that dies at any point is told again, and finds the same."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.confirmations import receive_confirmation
from reconciliation.books import Books
from reconciliation.domain.runs import LEASE, MONEY, agency_scope, bank_scope
from reconciliation.ledgers.csv_drop import CsvDrop
from reconciliation.operations.ledgers import collect_ledgers
from reconciliation.operations.runs import reconcile_day
from reconciliation.operations.statements import collect_statement
from tests.conftest import StoppedClock
from tests.crashes.conftest import Survives
from tests.reconciliation.stubs import DAY, StubBank, a_ledger, a_line, a_statement, leave
from tests.worlds.banks import with_banks
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture
def bank() -> StubBank:
    return StubBank()


@pytest.fixture
def hub(hub: Hub, bank: StubBank) -> Hub:
    return with_banks(hub, sandbox=bank)


@pytest.mark.parametrize(
    ("everywhere", "points"), [(False, 30), pytest.param(True, 150, marks=pytest.mark.deep)]
)
def test_the_night(
    everywhere: bool, points: int, survives: Survives, bank: StubBank, clock: StoppedClock, tmp_path: Path
) -> None:
    """One payment agrees, one the hub learns from the statement, one the bank misses."""
    found: list[Any] = []

    def scene(hub: Hub) -> None:
        agency, portal = an_agency(hub), a_portal(hub)
        told, learnt, missed = (an_order(hub, agency, portal)["reference"] for _ in range(3))
        receive(hub, confirmation(told, bank_transaction_id="T1", event_id="E1"))
        receive(hub, confirmation(missed, bank_transaction_id="T3", event_id="E3"))
        bank.statements[DAY] = a_statement(a_line("T1", 150_000, told), a_line("T2", 150_000, learnt))
        leave(tmp_path, a_ledger((told, 150_000)))

    def night(hub: Hub, _: None) -> None:
        books = Books(hub, CsvDrop(tmp_path), partial(receive_confirmation, hub, source=Source.STATEMENT))
        collect_statement(books, bank="sandbox", day=DAY)
        collect_ledgers(books, day=DAY)
        for scope in (bank_scope("sandbox"), agency_scope("G22.99"), MONEY):
            reconcile_day(books, scope=scope, day=DAY)

    def after(hub: Hub, _: None) -> None:
        clock.moment += LEASE
        night(hub, None)
        live = rows(hub, "SELECT kind, state FROM discrepancy ORDER BY kind, id")
        files = rows(hub, "SELECT count(*) AS lines FROM statement_line")
        found.append((live, files))
        assert found[0] == found[-1]

    assert survives(scene, night, after, everywhere=everywhere) > points
    assert [line["kind"] for line in found[0][0]] != []
