"""The clock in processes of its own: a real Celery worker and a real beat, on a broker that dies in between."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import text

from payment_hub.domain.calendar import business_day
from payment_hub.embedded.process import Program, supervised
from payment_hub.hub import utc_now
from tests.journeys.brokers import Broker, mortal_broker
from tests.journeys.conftest import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with mortal_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def clock_runs(world: World, broker: Broker, tmp_path: Path) -> Iterator[None]:
    """One worker for both queues, and the beat, under a supervisor as in a deployment.

    With Redis and Valkey a worker that has a task in hand when the broker dies ends too (kombu 5.7 wants to give the
    task back over the line that is gone); with RabbitMQ it waits for the line.
    """
    environment = {**os.environ, **world.environment, "HUB_BROKER_URL": broker.url, "HUB_DATABASE_POOL": "4"}
    alone = ("--without-gossip", "--without-mingle")
    worker = ("worker", "--queues", "celery,messenger", "--pool", "threads", "--concurrency", "2", *alone)
    beat = ("beat", "--schedule", str(tmp_path / "beat-schedule"), "--pidfile", "")
    with supervised(tmp_path / "processes") as supervisor:
        for name, *more in (worker, beat):
            command = [sys.executable, "-m", "celery", "--app", "wsgi:celery", name, *more]
            log = tmp_path / f"{name}.log"
            supervisor.start(Program(name, command, folder=ROOT, log=log, environment=environment))
        yield
        supervisor.check()


@pytest.mark.usefixtures("clock_runs")
def test_worker_and_beat_go_on_where_they_were_when_the_broker_comes_back(
    world: World, broker: Broker
) -> None:
    first = _paid(world, "QD-1")
    _wait(lambda: world.receiver.webhook(first["reference"], "payment_order.paid"))

    broker.go()
    second = _paid(world, "QD-2")
    time.sleep(1.5)  # more than a tick of the beat: no task can ask for the webhook now
    assert world.receiver.webhook(second["reference"], "payment_order.paid") is None
    broker.come()
    _wait(lambda: world.receiver.webhook(second["reference"], "payment_order.paid"))

    day = business_day(utc_now()).isoformat()
    with Celery(broker=broker.url, set_as_current=False) as asking:
        asking.send_task("night.reconcile", ["bank:sandbox", day])
    _wait(lambda: _runs(world) == [("bank:sandbox", "COMMITTED")])


def _paid(world: World, reference: str) -> dict[str, Any]:
    """Paid and confirmed over HTTP, whether a broker is there or not."""
    order = world.an_order(500_000, reference)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    assert world.order(order)["status"] == "PAID"
    return order


def _runs(world: World) -> list[tuple[Any, ...]]:
    with world.hub.transaction() as session:
        return [tuple(row) for row in session.execute(text("SELECT scope, state FROM reconciliation_run"))]


def _wait(come_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not come_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
