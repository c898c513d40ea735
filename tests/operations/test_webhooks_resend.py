"""Sending again, and showing what was sent: one webhook, all since a moment, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_hub.domain.access import Role
from payment_hub.domain.errors import EventNotFound, Malformed, NotFound
from payment_hub.domain.webhooks import LADDER, WebhookState
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import (
    deliver_webhooks,
    list_webhooks,
    resend_webhook,
    resend_webhooks_since,
    rotate_webhook_key,
    show_webhook,
    show_webhook_keys,
)
from tests.conftest import StoppedClock
from tests.operations.test_webhooks import change, states, webhooks
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order
from tests.worlds.receivers import Receiver, a_receiver, status


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


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
