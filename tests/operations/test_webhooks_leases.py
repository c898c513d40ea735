"""Several workers, slow portals and killed processes: each webhook is sent, and no lease is sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from payment_hub.domain.webhooks import LEASE
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import SHARE, deliver_webhooks, resend_webhook
from tests.conftest import StoppedClock
from tests.operations.test_webhooks import states, webhooks
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order
from tests.worlds.receivers import Receiver, a_receiver, hang_up, hold, status


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def wait_until_it_arrives(receiver: Receiver) -> None:
    """Until the receiver has a request in hand."""
    for _ in range(500):
        if receiver.requests:
            return
        time.sleep(0.02)
    raise AssertionError("nothing arrived")


def test_many_workers_at_once_send_each_webhook_once(hub: Hub) -> None:
    agency = an_agency(hub)
    with a_receiver() as first, a_receiver() as second, a_receiver() as third:
        for number, receiver in enumerate((first, second, third)):
            portal = a_portal(hub, f"p{number}", receiver.url)
            for _ in range(40):
                an_order(hub, agency, portal)
        start = threading.Barrier(8)

        def work(_: int) -> int:
            start.wait()
            sent, idle = 0, 0
            while idle < 3:
                tried = deliver_webhooks(hub)
                sent, idle = sent + tried, 0 if tried else idle + 1
            return sent

        with ThreadPoolExecutor(8) as workers:
            sent = sum(workers.map(work, range(8)))
        arrived = Counter(first.ids + second.ids + third.ids)
    assert sent == 120
    assert len(arrived) == 120
    assert set(arrived.values()) == {1}
    with hub.transaction() as session:
        counted = text("SELECT count(*), count(DISTINCT event_id) FROM webhook_delivery")
        assert tuple(session.execute(counted).one()) == (120, 120)
        assert session.scalar(text("SELECT count(*) FROM webhook WHERE state <> 'DELIVERED'")) == 0


def test_while_one_worker_sends_a_webhook_no_other_sends_it(hub: Hub, receiver: Receiver) -> None:
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    go_on = threading.Event()
    receiver.behaviour = hold(go_on)
    with ThreadPoolExecutor(1) as worker:
        first = worker.submit(deliver_webhooks, hub)
        wait_until_it_arrives(receiver)
        assert deliver_webhooks(hub) == 0
        go_on.set()
        assert first.result(20) == 1
    assert len(receiver.requests) == 1
    assert states(hub) == ["DELIVERED"]


def test_no_transaction_is_open_while_a_portal_is_being_spoken_to(hub: Hub, receiver: Receiver) -> None:
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    go_on = threading.Event()
    receiver.behaviour = hold(go_on)
    open_now = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
    )
    with ThreadPoolExecutor(1) as worker:
        sending = worker.submit(deliver_webhooks, hub)
        wait_until_it_arrives(receiver)
        with hub.transaction() as session:
            assert session.scalar(open_now) == 0
        go_on.set()
        assert sending.result(20) == 1


def test_one_slow_portal_does_not_hold_up_the_others(hub: Hub, receiver: Receiver) -> None:
    agency = an_agency(hub)
    an_order(hub, agency, a_portal(hub, "a-slow-one", receiver.url))
    go_on = threading.Event()
    receiver.behaviour = hold(go_on)
    with a_receiver() as quick, ThreadPoolExecutor(1) as worker:
        an_order(hub, agency, a_portal(hub, "quick", quick.url))
        sending = worker.submit(deliver_webhooks, hub)
        wait_until_it_arrives(quick)
        assert not sending.done()
        an_order(hub, agency, a_portal(hub, "later", quick.url))
        assert deliver_webhooks(hub) == 1
        go_on.set()
        assert sending.result(20) == 2


def test_a_portal_with_a_long_backlog_leaves_room_for_the_others(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    agency, portal = an_agency(hub), a_portal(hub, webhook_url=receiver.url)
    for _ in range(SHARE + 5):
        an_order(hub, agency, portal)
    clock.advance(seconds=1)
    with a_receiver() as newcomer:
        an_order(hub, agency, a_portal(hub, "moi", newcomer.url))
        assert deliver_webhooks(hub) == SHARE + 1
        assert (len(receiver.requests), len(newcomer.requests)) == (SHARE, 1)
    assert deliver_webhooks(hub) == 5


def test_an_outcome_that_comes_after_the_lease_was_taken_over_moves_nothing(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    """A second worker sends what the first is too slow with; its success must not be undone by the first."""
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    go_on = threading.Event()

    def hold_then_hang_up(handler: object) -> None:
        go_on.wait(30)
        hang_up(handler)  # type: ignore[arg-type]

    receiver.behaviour = hold_then_hang_up
    with ThreadPoolExecutor(1) as worker:
        first = worker.submit(deliver_webhooks, hub)
        wait_until_it_arrives(receiver)
        receiver.behaviour = status(200)
        clock.advance(seconds=LEASE.total_seconds())
        assert deliver_webhooks(hub) == 1
        go_on.set()
        assert first.result(20) == 1
    [webhook] = webhooks(hub)
    assert webhook.state == "DELIVERED"
    assert [attempt.status for attempt in webhook.attempts] == [200, None]


def test_a_webhook_that_is_sent_again_while_it_is_being_sent_is_sent_once_more(
    hub: Hub, receiver: Receiver
) -> None:
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    go_on = threading.Event()
    receiver.behaviour = hold(go_on)
    with ThreadPoolExecutor(1) as worker:
        first = worker.submit(deliver_webhooks, hub)
        wait_until_it_arrives(receiver)
        resend_webhook(hub, caller=an_operator(), event_id=receiver.ids[0])
        go_on.set()
        assert first.result(20) == 1
    assert states(hub) == ["PENDING"]
    assert deliver_webhooks(hub) == 1
    assert receiver.ids == [receiver.ids[0]] * 2
    assert states(hub) == ["DELIVERED"]


WORKER = """
import sys
from datetime import datetime
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import deliver_webhooks
from payment_hub.signing import Signer
from tests.settings import TRIAL_SETTINGS
engine = create_engine(sys.argv[1])
now = datetime.fromisoformat(sys.argv[2])
deliver_webhooks(Hub(engine=engine, sessions=sessionmaker(engine), adapters={}, now=lambda: now,
    signer=Signer.of([b"k" * 32], [b"s" * 32]), settings=TRIAL_SETTINGS))
"""


def test_a_killed_worker_leaves_a_lease_that_ends_and_the_webhook_is_sent_again(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    go_on = threading.Event()
    receiver.behaviour = hold(go_on)
    url = hub.engine.url.render_as_string(hide_password=False)
    root = str(Path(__file__).resolve().parents[2])
    killed = subprocess.Popen(
        [sys.executable, "-c", WORKER, url, clock().isoformat()], cwd=root, env=os.environ
    )
    wait_until_it_arrives(receiver)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(20) == -signal.SIGKILL
    go_on.set()
    receiver.behaviour = status(200)
    [webhook] = webhooks(hub)
    assert (webhook.state, webhook.due_at, webhook.attempts) == ("PENDING", clock() + LEASE, ())
    clock.moment += LEASE - timedelta(seconds=1)
    assert deliver_webhooks(hub) == 0
    clock.advance(seconds=1)
    assert deliver_webhooks(hub) == 1
    assert receiver.ids == [receiver.ids[0]] * 2
    assert states(hub) == ["DELIVERED"]
