"""The clock's tasks, run where they are called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery
from flask import Flask

from payment_hub.domain.access import Caller
from reconciliation import tasks
from reconciliation.app import attach
from reconciliation.books import Books
from tests.conftest import StoppedClock
from tests.reconciliation.nights import paid, rows
from tests.reconciliation.stubs import DAY, StubBank, a_line, a_statement


@pytest.fixture
def night(books: Books) -> Iterator[None]:
    """An app with the books, and a Celery that runs a task where it is asked for."""
    app = Flask("night")
    attach(app, books)
    celery = Celery("night", broker="memory://")
    celery.conf.task_always_eager = True
    celery.set_current()
    with app.app_context():
        yield
    celery.close()


def test_the_beat_starts_every_run_of_the_night(
    night: None, books: Books, bank: StubBank, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    """Bank, agency and the money left open; and nothing is left to catch up."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1"))
    clock.advance(hours=15, minutes=30)
    tasks.reconcile_night()
    query = "SELECT scope, day, state FROM reconciliation_run ORDER BY id"
    expected = [(scope, DAY, "COMMITTED") for scope in ("bank:sandbox", "agency:G22.99", "money:left-open")]
    assert sorted(rows(books, query)) == sorted(expected)
    tasks.catch_up_nights()
    assert sorted(rows(books, query)) == sorted(expected)


def test_a_night_without_anything_to_do_is_no_error(night: None, books: Books) -> None:
    """An empty hub has nothing to catch up."""
    tasks.catch_up_nights()
    assert rows(books, "SELECT count(*) FROM reconciliation_run") == [(0,)]


def test_every_entry_of_the_schedule_names_a_task() -> None:
    """And the night begins at half past one."""
    names = {task.name for task in (tasks.reconcile_night, tasks.catch_up_nights, tasks.reconcile)}
    assert {entry["task"] for entry in tasks.SCHEDULE.values()} <= names
    begins = tasks.SCHEDULE["reconcile_night"]["schedule"]
    assert (begins.hour, begins.minute) == ({1}, {30})
