"""Webhooks: the feed, the sending, the leases, the signatures, and sending again."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import insert, select, text

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import EventNotFound, Malformed, NotFound
from payment_hub.domain.orders import EventType
from payment_hub.domain.webhooks import (
    LADDER,
    LEASE,
    WEBHOOK_LIFE,
    EventView,
    WebhookState,
    WebhookView,
    event_number,
)
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.obligations import withdraw_obligation
from payment_hub.operations.webhooks import (
    SHARE,
    deliver_webhooks,
    list_events,
    list_webhooks,
    resend_webhook,
    resend_webhooks_since,
    rotate_webhook_key,
    show_webhook,
    show_webhook_keys,
)
from payment_hub.outbound import EXCERPT_BYTES, TOTAL_SECONDS
from payment_hub.store.tables import Event
from tests.conftest import StoppedClock
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive
from tests.worlds.receivers import Receiver, a_receiver, hang_up, hold, status
from tests.worlds.settings import SETTINGS


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub, receiver: Receiver) -> Caller:
    return a_portal(hub, webhook_url=receiver.url)


def webhooks(hub: Hub, caller: Caller | None = None) -> list[WebhookView]:
    """All webhooks, oldest event first."""
    return list(list_webhooks(hub, caller=caller or an_operator()).items)[::-1]


def states(hub: Hub) -> list[str]:
    return [webhook.state for webhook in webhooks(hub)]


def change(hub: Hub, sql: str, **values: Any) -> None:
    with hub.transaction() as session:
        session.execute(text(sql), values)


def test_a_paid_order_is_told_to_its_portal_with_the_order_as_it_stood(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    order = an_order(hub, agency, portal)
    receive(hub, confirmation(order["reference"]))
    assert deliver_webhooks(hub) == 2
    issued, paid = (json.loads(request.body) for request in receiver.requests)
    assert (issued["type"], issued["order"], issued["sequence"]) == (
        "payment_order.issued",
        order["reference"],
        1,
    )
    assert (paid["type"], paid["sequence"]) == ("payment_order.paid", 2)
    assert (issued["data"]["status"], paid["data"]["status"]) == ("OPEN", "PAID")
    assert paid["data"]["receipt"] is not None
    assert receiver.ids == [issued["id"], paid["id"]]
    assert states(hub) == ["DELIVERED", "DELIVERED"]
    assert receiver.connections == 1
    assert deliver_webhooks(hub) == 0


def test_the_body_is_what_the_feed_shows_compact_and_small(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    an_order(hub, agency, portal)
    deliver_webhooks(hub)
    [request] = receiver.requests
    [event] = feed(hub, portal, 1)
    assert request.body == json.dumps(to_wire(event), ensure_ascii=False, separators=(",", ":")).encode()
    assert "đèn tín hiệu".encode() in request.body
    assert len(request.body) < 20_000
    assert request.headers["content-type"] == "application/json"


def feed(hub: Hub, caller: Caller, wanted: int) -> list[Any]:
    """The feed, once it shows so many events: another test's open transaction may hold it up for a moment."""
    for _ in range(200):
        items = list_events(hub, caller=caller).items
        if len(items) >= wanted:
            return list(items)
        with hub.transaction() as session:
            session.execute(text("SELECT pg_sleep(0.05)"))
    raise AssertionError("the feed never showed them")


@pytest.mark.parametrize("code", [302, 400, 404, 500, 503])
def test_any_answer_but_2xx_is_tried_again_later(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver, clock: StoppedClock, code: int
) -> None:
    an_order(hub, agency, portal)
    receiver.behaviour = status(code, b"not today")
    deliver_webhooks(hub)
    [webhook] = webhooks(hub)
    assert webhook.state == "PENDING"
    assert webhook.due_at is not None
    assert LADDER[0] * 0.9 <= webhook.due_at - clock() <= LADDER[0] * 1.1
    [attempt] = webhook.attempts
    assert (attempt.url, attempt.status, attempt.answer, attempt.tried_at) == (
        receiver.url,
        code,
        "not today",
        clock(),
    )
    receiver.behaviour = status(204)
    assert deliver_webhooks(hub) == 0
    clock.advance(seconds=6)
    assert deliver_webhooks(hub) == 1
    assert [attempt.status for attempt in webhooks(hub)[0].attempts] == [code, 204]
    assert states(hub) == ["DELIVERED"]


def test_a_redirect_to_this_machine_is_not_followed(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    an_order(hub, agency, portal)
    with a_receiver() as inside:
        receiver.behaviour = status(307, Location=inside.url)
        deliver_webhooks(hub)
        assert inside.connections == 0
    assert states(hub) == ["PENDING"]


def test_a_portal_that_says_gone_is_not_asked_again_and_an_operator_is_told(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    an_order(hub, agency, portal)
    receiver.behaviour = status(410)
    deliver_webhooks(hub)
    assert states(hub) == ["DEAD"]
    [record] = caplog.records
    assert (record.levelno, record.msg, record.__dict__["portal"]) == (logging.ERROR, "webhook_dead", "dvc")
    assert record.__dict__["webhook"] == receiver.ids[0]


def test_when_the_ladder_ends_the_webhook_is_dead_and_an_operator_is_told_once(
    hub: Hub,
    agency: Caller,
    portal: Caller,
    receiver: Receiver,
    clock: StoppedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    an_order(hub, agency, portal)
    began = clock()
    receiver.behaviour = hang_up
    while states(hub) == ["PENDING"]:
        assert not caplog.records
        assert deliver_webhooks(hub) == 1
        clock.moment = webhooks(hub)[0].due_at or clock()
    [webhook] = webhooks(hub)
    assert webhook.state == "DEAD"
    assert (webhook.due_at, webhook.ended_at) == (None, clock())
    assert len(webhook.attempts) == len(LADDER) + 1
    assert {attempt.status for attempt in webhook.attempts} == {None}
    assert timedelta(hours=64) < clock() - began < timedelta(hours=79)
    assert [record.msg for record in caplog.records] == ["webhook_dead"]
    clock.advance(days=30)
    assert deliver_webhooks(hub) == 0


def test_a_portal_without_an_address_is_not_told_and_its_pending_webhooks_are_cancelled(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    an_order(hub, agency, portal)
    change(hub, "UPDATE portal SET webhook_url = NULL")
    an_order(hub, agency, portal)
    assert deliver_webhooks(hub) == 0
    assert states(hub) == ["CANCELLED"]
    assert webhooks(hub)[0].attempts == ()
    assert receiver.connections == 0


def test_the_address_is_judged_again_at_every_sending(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    """The trial's permission ended after the address was set."""
    an_order(hub, agency, portal)
    deliver_webhooks(replace(hub, settings=SETTINGS))
    [attempt] = webhooks(hub)[0].attempts
    assert (attempt.status, attempt.answer) == (None, "the webhook URL must not lead to this machine")
    assert receiver.connections == 0


def test_answers_of_any_bytes_are_kept_in_part(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    an_order(hub, agency, portal)
    receiver.behaviour = status(500, bytes(range(256)) * 100)
    deliver_webhooks(hub)
    [attempt] = webhooks(hub)[0].attempts
    assert 0 < len(attempt.answer.encode()) <= 500
    assert "\x00" not in attempt.answer


def test_the_webhooks_of_a_portal_that_does_not_answer_are_put_back_untried(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver, clock: StoppedClock
) -> None:
    for _ in range(4):
        an_order(hub, agency, portal)
    receiver.behaviour = hang_up
    assert deliver_webhooks(hub) == 1
    assert [len(webhook.attempts) for webhook in webhooks(hub)] == [1, 0, 0, 0]
    receiver.behaviour = status(200)
    clock.advance(seconds=10)
    assert deliver_webhooks(hub) == 4
    assert states(hub) == ["DELIVERED"] * 4


def test_a_withdrawn_obligation_is_told_as_the_orders_end(
    hub: Hub, agency: Caller, portal: Caller, receiver: Receiver
) -> None:
    order = an_order(hub, agency, portal)
    reference = order["obligation"]["reference"]
    withdraw_obligation(
        hub,
        caller=agency,
        agency=agency.agency_code or "",
        reference=reference,
        reason="decision annulled",
        version=1,
    )
    deliver_webhooks(hub)
    assert [json.loads(request.body)["type"] for request in receiver.requests] == [
        "payment_order.issued",
        "payment_order.cancelled",
    ]


def read_on(
    hub: Hub, caller: Caller, after: str | None, limit: int = 100
) -> tuple[list[EventView], str | None]:
    page = list_events(hub, caller=caller, after=after, limit=limit)
    return list(page.items), page.next_cursor


def test_a_reader_gets_every_event_once_in_order_page_by_page(hub: Hub) -> None:
    portal, agency = a_portal(hub), an_agency(hub)
    orders = [an_order(hub, agency, portal) for _ in range(5)]
    for order in orders:
        receive(hub, confirmation(order["reference"]))
    whole = [event.id for event in feed(hub, portal, 10)]
    assert whole == [f"evt_{number}" for number in range(1, 11)]
    for size in (1, 3, 10):
        seen: list[str] = []
        after = None
        while items := (page := read_on(hub, portal, after, size))[0]:
            assert len(items) <= size
            seen += [event.id for event in items]
            after = page[1]
        assert seen == whole


def test_each_caller_reads_its_own_events_only(hub: Hub) -> None:
    agencies = [an_agency(hub), an_agency(hub, "H41.01")]
    portals = [a_portal(hub), a_portal(hub, "other")]
    for agency in agencies:
        for portal in portals:
            an_order(hub, agency, portal)
    assert len(feed(hub, an_operator(), 4)) == 4
    for caller in (*agencies, *portals):
        assert len(feed(hub, caller, 2)) == 2
    for agency in agencies:
        assert {event.data["agency"] for event in feed(hub, agency, 2)} == {agency.agency_code}


def test_the_operators_feed_merges_all_portals_in_one_order(hub: Hub) -> None:
    agency, portals = an_agency(hub), [a_portal(hub, f"p{number}") for number in range(3)]
    for number in range(9):
        an_order(hub, agency, portals[number * 7 % 3])
    feed(hub, an_operator(), 9)
    seen, after = [], None
    while (page := read_on(hub, an_operator(), after, 2))[0]:
        seen += [event.id for event in page[0]]
        after = page[1]
    assert seen == [f"evt_{number}" for number in range(1, 10)]


def test_an_event_whose_transaction_commits_late_is_not_skipped(hub: Hub) -> None:
    """The early number is drawn in a transaction that is still open while a later one is read."""
    portal, agency = a_portal(hub), an_agency(hub)
    order = an_order(hub, agency, portal)
    [first] = feed(hub, portal, 1)
    late = _another_event(hub, order["reference"], 2)
    with hub.engine.connect() as slow:
        number = slow.scalar(late.returning(Event.id))
        other = an_order(hub, agency, portal)
        items, cursor = read_on(hub, portal, first.cursor)
        assert items == []
        assert cursor == first.cursor
        slow.execute(
            text("UPDATE payment_order SET sequence = 2 WHERE reference = :r"), {"r": order["reference"]}
        )
        slow.commit()
    after = feed(hub, portal, 3)[1:]
    assert [(event.id, event.order_reference) for event in after] == [
        (f"evt_{number}", order["reference"]),
        (f"evt_{number + 1}", other["reference"]),
    ]


def test_an_event_that_is_rolled_back_is_never_seen_and_holds_up_nothing(hub: Hub) -> None:
    portal, agency = a_portal(hub), an_agency(hub)
    order = an_order(hub, agency, portal)
    with hub.engine.connect() as slow:
        slow.execute(_another_event(hub, order["reference"], 2))
        an_order(hub, agency, portal)
        slow.rollback()
    assert [event.id for event in feed(hub, portal, 2)] == ["evt_1", "evt_3"]


def test_a_reader_among_many_writers_misses_none(hub: Hub) -> None:
    """Writers keep their transactions open for different times, so that numbers commit out of order."""
    portal, agency = a_portal(hub), an_agency(hub)
    orders = [an_order(hub, agency, portal)["reference"] for _ in range(8)]
    statements = {order: _another_event(hub, order, 0) for order in orders}
    chance = random.Random(7)

    def write(order: str, pauses: list[float]) -> None:
        for sequence, pause in enumerate(pauses, 2):
            with hub.transaction() as session:
                # The transaction's number is drawn, then the event's: the two orders differ among writers.
                session.execute(text("SELECT pg_current_xact_id(), pg_sleep(:pause)"), {"pause": pause})
                session.execute(statements[order].values(sequence=sequence))
                session.execute(text("SELECT pg_sleep(:pause)"), {"pause": 0.02 - pause})
                known = {"sequence": sequence, "order": order}
                session.execute(
                    text("UPDATE payment_order SET sequence = :sequence WHERE reference = :order"), known
                )

    def read() -> list[str]:
        seen: list[str] = []
        after, deadline = None, time.monotonic() + 30
        while len(seen) < 8 + 8 * 12 and time.monotonic() < deadline:
            items, after = read_on(hub, portal, after, 5)
            seen += [event.id for event in items]
        return seen

    with ThreadPoolExecutor(9) as threads:
        reader = threads.submit(read)
        writers = [
            threads.submit(write, order, [chance.uniform(0, 0.02) for _ in range(12)]) for order in orders
        ]
        for writer in writers:
            writer.result(60)
        seen = reader.result(60)
    assert sorted(seen) == sorted(f"evt_{number}" for number in range(1, 8 + 8 * 12 + 1))
    assert seen != sorted(seen, key=event_number)


def test_a_cursor_that_is_not_ours_is_refused(hub: Hub) -> None:
    for cursor in ("", "0", "evt_1", "c5", "A" * 23, "_" * 22, "đ"):
        with pytest.raises(Malformed):
            list_events(hub, caller=an_operator(), after=cursor)


def test_an_empty_feed_has_no_cursor_yet_and_an_ended_one_keeps_its_own(hub: Hub) -> None:
    portal = a_portal(hub)
    assert read_on(hub, portal, None) == ([], None)
    an_order(hub, an_agency(hub), portal)
    [event] = feed(hub, portal, 1)
    assert read_on(hub, portal, event.cursor) == ([], event.cursor)


def _another_event(hub: Hub, reference: str, sequence: int):  # type: ignore[no-untyped-def]
    """One more event of an order, as the hot statements write it."""
    columns = [Event.order_id, Event.agency_id, Event.portal_id, Event.type, Event.data, Event.occurred_at]
    with hub.transaction() as session:
        row = session.execute(
            select(*columns).where(Event.data["reference"].as_string() == reference, Event.sequence == 1)
        ).one()
    return insert(Event).values(**row._mapping, sequence=sequence)


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
from tests.worlds.settings import TRIAL_SETTINGS
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


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
UNITS = {1: "s", 60: "min", 3600: "h"}


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The functions of the page's example."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], "docs/webhooks.md", "exec"), names)
    return names


def test_the_example_believes_a_real_webhook_by_either_key_and_nothing_else(
    hub: Hub, clock: StoppedClock, example: dict[str, Any]
) -> None:
    clock.moment = datetime.now(UTC)
    with a_receiver() as receiver:
        an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
        deliver_webhooks(hub)
    [request] = receiver.requests
    keys = show_webhook_keys(hub, portal="dvc")
    other = show_webhook_keys(hub, portal="dvc").public_keys[0][:-4] + "AAA="
    wrong = "whsec_" + "A" * 43 + "="

    def believed(
        public: str, secret: str, body: bytes = request.body, headers: dict[str, str] | None = None
    ) -> bool:
        return bool(example["is_genuine"]({**request.headers, **(headers or {})}, body, public, secret))

    assert believed(keys.public_keys[0], wrong)
    assert believed(other, keys.secret)
    assert not believed(other, wrong)
    assert not believed(keys.public_keys[0], keys.secret, body=request.body + b" ")
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-id": "evt_2"})
    long_ago = str(int(request.headers["webhook-timestamp"]) - 301)
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-timestamp": long_ago})
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-signature": "v1,? v1a,%"})


def test_the_diagram_is_the_lifecycle() -> None:
    assert WEBHOOK_LIFE.as_mermaid() in PAGE


def test_the_figures_are_those_of_the_code() -> None:
    waits = [_in_words(int(wait.total_seconds())) for wait in LADDER]
    assert f"after {', '.join(waits[:-1])} and {waits[-1]}" in " ".join(PAGE.split())
    assert f"within {TOTAL_SECONDS:.0f} seconds" in PAGE
    assert f"first {EXCERPT_BYTES} bytes" in PAGE
    assert [kind for kind in EventType if f"`{kind}`" not in PAGE] == []


def _in_words(seconds: int) -> str:
    unit = max(size for size in UNITS if seconds >= size and seconds % size == 0)
    return f"{seconds // unit} {UNITS[unit]}"


def test_a_delivered_webhook_is_sent_again_with_the_same_id_and_body(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    portal = a_portal(hub, webhook_url=receiver.url)
    an_order(hub, an_agency(hub), portal)
    deliver_webhooks(hub)
    clock.advance(hours=1)
    again = resend_webhook(hub, caller=portal, event_id=receiver.ids[0])
    assert (again.state, again.due_at, again.ended_at, len(again.attempts)) == ("PENDING", clock(), None, 1)
    deliver_webhooks(hub)
    first, second = receiver.requests
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert [attempt.status for attempt in webhooks(hub)[0].attempts] == [200, 200]


def test_a_dead_webhook_that_is_sent_again_climbs_the_whole_ladder(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    portal = a_portal(hub, webhook_url=receiver.url)
    an_order(hub, an_agency(hub), portal)
    receiver.behaviour = status(410)
    deliver_webhooks(hub)
    receiver.behaviour = status(500)
    resend_webhook(hub, caller=portal, event_id=receiver.ids[0])
    while states(hub) == ["PENDING"]:
        deliver_webhooks(hub)
        clock.moment = webhooks(hub)[0].due_at or clock()
    assert [attempt.status for attempt in webhooks(hub)[0].attempts] == [410] + [500] * (len(LADDER) + 1)


def test_everything_since_a_moment_is_sent_again(hub: Hub, receiver: Receiver, clock: StoppedClock) -> None:
    portal, agency = a_portal(hub, webhook_url=receiver.url), an_agency(hub)
    for _ in range(4):
        an_order(hub, agency, portal)
        clock.advance(minutes=1)
    deliver_webhooks(hub)
    since = clock() - timedelta(minutes=2)
    assert resend_webhooks_since(hub, caller=portal, since=since) == 2
    assert states(hub) == ["DELIVERED", "DELIVERED", "PENDING", "PENDING"]
    assert deliver_webhooks(hub) == 2
    assert receiver.ids[4:] == receiver.ids[2:4]
    assert resend_webhooks_since(hub, caller=portal, since=clock() + timedelta(seconds=1)) == 0


def test_events_from_before_the_portal_had_an_address_can_be_sent_too(hub: Hub, receiver: Receiver) -> None:
    portal = a_portal(hub)
    an_order(hub, an_agency(hub), portal)
    with pytest.raises(EventNotFound):
        resend_webhook(hub, caller=portal, event_id="evt_1")
    assert resend_webhooks_since(hub, caller=portal, since=hub.now() - timedelta(days=1)) == 0
    change(hub, "UPDATE portal SET webhook_url = :url", url=receiver.url)
    assert resend_webhooks_since(hub, caller=portal, since=hub.now() - timedelta(days=1)) == 1
    assert deliver_webhooks(hub) == 1
    assert states(hub) == ["DELIVERED"]


def test_a_moment_without_a_zone_is_refused(hub: Hub) -> None:
    with pytest.raises(Malformed):
        resend_webhooks_since(hub, caller=a_portal(hub), since=hub.now().replace(tzinfo=None))


def test_a_portal_sees_and_resends_only_its_own(hub: Hub, receiver: Receiver) -> None:
    agency, mine = an_agency(hub), a_portal(hub, webhook_url=receiver.url)
    other = a_portal(hub, "other", receiver.url)
    an_order(hub, agency, mine)
    deliver_webhooks(hub)
    assert webhooks(hub, mine) == webhooks(hub, an_operator()) == webhooks(hub, agency)
    assert show_webhook(hub, caller=mine, event_id="evt_1") == webhooks(hub)[0]
    assert webhooks(hub, other) == []
    for ask in (show_webhook, resend_webhook):
        with pytest.raises(EventNotFound):
            ask(hub, caller=other, event_id="evt_1")
    assert resend_webhooks_since(hub, caller=other, since=hub.now() - timedelta(days=1)) == 0
    assert states(hub) == ["DELIVERED"]


def test_an_agency_and_its_officer_see_only_their_own_and_a_caller_bound_to_nothing_sees_nothing(
    hub: Hub, receiver: Receiver
) -> None:
    portal = a_portal(hub, webhook_url=receiver.url)
    mine, other = an_agency(hub), an_agency(hub, "H41.01")
    an_order(hub, mine, portal)
    officer = replace(other, role=Role.OFFICER)
    unbound = replace(officer, agency_id=None)
    nobody = replace(portal, portal_id=None)
    assert [len(webhooks(hub, caller)) for caller in (mine, other, officer, unbound, nobody)] == [
        1,
        0,
        0,
        1,
        0,
    ]


@pytest.mark.parametrize(
    "event_id", ["evt_999", "evt_0", "1", "evt_1; DROP TABLE event", "evt_99999999999999999999"]
)
def test_no_such_event_is_not_found(hub: Hub, event_id: str) -> None:
    for ask in (show_webhook, resend_webhook):
        with pytest.raises(EventNotFound):
            ask(hub, caller=an_operator(), event_id=event_id)


def test_webhooks_are_listed_in_pages_and_by_state(hub: Hub, receiver: Receiver) -> None:
    portal, agency = a_portal(hub, webhook_url=receiver.url), an_agency(hub)
    for _ in range(5):
        an_order(hub, agency, portal)
    deliver_webhooks(hub)
    resend_webhook(hub, caller=portal, event_id="evt_3")
    shown, after = [], None
    while True:
        page = list_webhooks(hub, caller=portal, after=after, limit=2)
        shown += [webhook.event_id for webhook in page.items]
        if (after := page.next_cursor) is None:
            break
    assert shown == ["evt_5", "evt_4", "evt_3", "evt_2", "evt_1"]
    pending = list_webhooks(hub, caller=portal, state=WebhookState.PENDING)
    assert [webhook.event_id for webhook in pending.items] == ["evt_3"]
    with pytest.raises(Malformed):
        list_webhooks(hub, caller=portal, after="evt_3")


def test_a_webhook_on_the_wire_says_where_it_stands_and_what_was_tried(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    portal = a_portal(hub, webhook_url=receiver.url)
    order = an_order(hub, an_agency(hub), portal)
    receiver.behaviour = status(200, b"ok")
    deliver_webhooks(hub)
    wire = to_wire(show_webhook(hub, caller=portal, event_id="evt_1"))
    [attempt] = wire.pop("attempts")
    attempt.pop("milliseconds")
    assert wire == {
        "event": "evt_1",
        "type": "payment_order.issued",
        "order": order["reference"],
        "sequence": 1,
        "portal": "dvc",
        "state": "DELIVERED",
        "due_at": None,
        "ended_at": "2026-03-02T03:00:00.000Z",
    }
    assert attempt == {
        "url": receiver.url,
        "status": 200,
        "answer": "ok",
        "tried_at": "2026-03-02T03:00:00.000Z",
    }


def test_an_unknown_portal_has_no_keys(hub: Hub) -> None:
    for ask in (show_webhook_keys, rotate_webhook_key):
        with pytest.raises(NotFound):
            ask(hub, portal="nobody")


def test_strangers_believe_the_signature_of_every_try(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    clock.moment = datetime.now(UTC)  # the stranger's library reads the real clock
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    receiver.behaviour = status(500)
    deliver_webhooks(hub)
    clock.advance(minutes=1)
    deliver_webhooks(hub)
    keys = show_webhook_keys(hub, portal="dvc")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.public_keys[0].removeprefix("whpk_")))
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    for request in (first, second):
        standardwebhooks.Webhook(keys.secret).verify(request.body, dict(request.headers))
        signed = (
            f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        )
        v1a = request.headers["webhook-signature"].split(" ")[0].removeprefix("v1a,")
        public.verify(base64.b64decode(v1a), signed)


def test_after_a_rotation_the_portal_may_still_use_the_secret_before(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    clock.moment = datetime.now(UTC)
    portal = a_portal(hub, webhook_url=receiver.url)
    before = show_webhook_keys(hub, portal="dvc")
    after = rotate_webhook_key(hub, portal="dvc")
    assert (before.version, after.version) == (1, 2)
    assert show_webhook_keys(hub, portal="dvc") == after
    an_order(hub, an_agency(hub), portal)
    deliver_webhooks(hub)
    [request] = receiver.requests
    for keys in (before, after):
        standardwebhooks.Webhook(keys.secret).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    "url", ["http://portal.test/", "https://10.0.0.1/", "https://u@portal.test/", "portal.test"]
)
def test_a_portal_is_not_added_with_an_address_that_may_lead_astray(hub: Hub, url: str) -> None:
    with pytest.raises(Malformed):
        a_portal(hub, webhook_url=url)
