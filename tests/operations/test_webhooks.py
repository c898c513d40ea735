"""Webhooks on their way to a real HTTP receiver: what arrives, what is tried again, what ends how."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from payment_hub.domain.access import Caller
from payment_hub.domain.webhooks import LADDER, WebhookView
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.obligations import withdraw_obligation
from payment_hub.operations.webhooks import deliver_webhooks, list_events, list_webhooks
from tests.conftest import StoppedClock
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive
from tests.worlds.receivers import Receiver, a_receiver, hang_up, status
from tests.worlds.settings import SETTINGS


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


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
