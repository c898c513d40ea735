"""The feed of events: nothing is skipped, however transactions overlap, and nobody reads another's."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, text

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import Malformed
from payment_hub.domain.webhooks import EventView, event_number
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import list_events
from payment_hub.store.tables import Event
from tests.operations.test_webhooks import feed
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


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
