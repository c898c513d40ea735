"""Callbacks that were stored and never judged, because a process died in between."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from payment_hub.domain.bank_port import CallbackRequest
from payment_hub.hub import Hub
from payment_hub.operations.receive_callback import receive_callback
from payment_hub.operations.rejudge_callbacks import BATCH, IN_HAND, LOOKED_BACK, rejudge_callbacks
from payment_hub.operations.show_order import show_order
from payment_hub.store.standings import hear, store_unverified
from tests.asking import count, one, rows
from tests.builders import a_portal, an_agency, an_operator, an_order
from tests.conftest import StoppedClock
from tests.races.crowd import all_at_once
from tests.stand_in_banks import a_callback, left_unjudged, sandbox_adapter, with_banks


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def test_a_stored_callback_is_judged_when_it_has_waited_long_enough(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    left_unjudged(hub, a_callback(reference, hub.now()))
    assert rejudge_callbacks(hub) == 0
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert one(hub, "SELECT status FROM payment_order") == "PAID"
    assert rows(hub, "SELECT callback_id, source FROM confirmation") == [
        {"callback_id": 1, "source": "CALLBACK"}
    ]
    assert rejudge_callbacks(hub) == 0


def test_it_is_judged_as_of_the_moment_when_it_came_and_not_of_now(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    clock.advance(hours=23)
    left_unjudged(hub, a_callback(reference, hub.now()))
    clock.advance(days=2)
    assert rejudge_callbacks(hub) == 1
    assert show_order(hub, caller=an_operator(), reference=reference).flags == ()


def test_what_was_not_verified_is_never_judged(hub: Hub, reference: str, clock: StoppedClock) -> None:
    with hub.at_once() as connection:
        store_unverified(connection, "sandbox", a_callback(reference, hub.now()), 10)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 0
    assert count(hub, "confirmation") == 0


@pytest.mark.breaks_invariants
def test_what_cannot_be_read_any_more_is_reported_and_stops_nothing(
    hub: Hub, reference: str, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    genuine = a_callback(reference, hub.now())
    known = hub.adapter("sandbox").read_callback(genuine)
    altered = CallbackRequest("POST", genuine.path, b"", genuine.headers, genuine.body + b" ", hub.now())
    with hub.at_once() as connection:
        hear(connection, known, altered)
    left_unjudged(hub, genuine)
    clock.moment += IN_HAND
    with caplog.at_level(logging.ERROR):
        assert rejudge_callbacks(hub) == 1
    assert [record.message for record in caplog.records] == ["callback_unreadable"]
    assert one(hub, "SELECT status FROM payment_order") == "PAID"


@pytest.mark.breaks_invariants
def test_what_is_older_than_a_week_is_left_to_people(hub: Hub, reference: str, clock: StoppedClock) -> None:
    left_unjudged(hub, a_callback(reference, hub.now()))
    clock.advance(seconds=LOOKED_BACK.total_seconds() + 1)
    assert rejudge_callbacks(hub) == 0


def test_a_repetition_that_came_meanwhile_leaves_one_posting_and_two_records(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    request = a_callback(reference, hub.now())
    left_unjudged(hub, request)
    receive_callback(hub, bank="sandbox", request=request)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 2)


def test_workers_that_judge_the_same_callback_at_once_record_it_once(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    for _ in range(5):
        left_unjudged(hub, a_callback(reference, hub.now(), message_id="evt_same", transaction_id="T"))
    clock.moment += IN_HAND
    all_at_once([partial(rejudge_callbacks, hub)] * 8)
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 5)


@pytest.mark.breaks_invariants
def test_many_that_cannot_be_read_do_not_stand_before_one_that_can(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    genuine = a_callback(reference, hub.now())
    altered = CallbackRequest("POST", genuine.path, b"", genuine.headers, genuine.body + b" ", hub.now())
    for _ in range(BATCH + 1):
        left_unjudged(hub, genuine, altered)
    left_unjudged(hub, genuine)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert one(hub, "SELECT status FROM payment_order") == "PAID"
