"""Callbacks that were stored and never judged, because a process died in between."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome, PayerAccount
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import BATCH, IN_HAND, LOOKED_BACK, receive_callback, rejudge_callbacks
from payment_hub.operations.orders import show_order
from payment_hub.store.confirmations import confirmation_from_json, confirmation_to_json, store_unverified
from tests.conftest import StoppedClock
from tests.races.crowd import all_at_once
from tests.worlds.banks import a_callback, sandbox_adapter, store_unjudged_callback, with_banks
from tests.worlds.database import count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def test_a_stored_callback_is_judged_when_it_has_waited_long_enough(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    assert rejudge_callbacks(hub) == 0
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    assert rows(hub, "SELECT callback_id, source FROM confirmation") == [
        {"callback_id": 1, "source": "CALLBACK"}
    ]
    assert rejudge_callbacks(hub) == 0


def test_it_is_judged_as_of_the_moment_when_it_came_and_not_of_now(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    clock.advance(hours=23)
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.advance(days=2)
    assert rejudge_callbacks(hub) == 1
    assert show_order(hub, caller=an_operator(), reference=reference).flags == ()


def test_what_was_not_verified_is_never_judged(hub: Hub, reference: str, clock: StoppedClock) -> None:
    with hub.autocommit() as connection:
        store_unverified(connection, "sandbox", a_callback(reference, hub.now()), 10)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 0
    assert count(hub, "confirmation") == 0


def test_it_needs_neither_the_keys_of_that_time_nor_the_bank_itself(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.moment += IN_HAND
    assert rejudge_callbacks(with_banks(hub)) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


@pytest.mark.breaks_invariants
def test_what_is_older_than_a_week_is_left_to_people(hub: Hub, reference: str, clock: StoppedClock) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.advance(seconds=LOOKED_BACK.total_seconds() + 1)
    assert rejudge_callbacks(hub) == 0


def test_a_repetition_that_came_meanwhile_leaves_one_posting_and_two_records(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    request = a_callback(reference, hub.now())
    store_unjudged_callback(hub, request)
    receive_callback(hub, bank="sandbox", request=request)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 2)


def test_workers_that_judge_the_same_callback_at_once_record_it_once(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    for _ in range(5):
        store_unjudged_callback(
            hub, a_callback(reference, hub.now(), message_id="evt_same", transaction_id="T")
        )
    clock.moment += IN_HAND
    all_at_once([partial(rejudge_callbacks, hub)] * 8)
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 5)


def test_more_than_one_look_can_hold_are_all_judged(hub: Hub, reference: str, clock: StoppedClock) -> None:
    for number in range(BATCH + 1):
        store_unjudged_callback(hub, a_callback(reference, hub.now(), 1_000, transaction_id=f"T{number}"))
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == BATCH + 1
    assert count(hub, "collection") == BATCH + 1


@pytest.mark.parametrize(
    "confirmation",
    [
        Confirmation("one", "E1", "R", Outcome.PENDING),
        Confirmation(
            "one",
            "E2",
            "R\u1ec7",
            Outcome.PAID,
            amount=Money(15_000, "USD"),
            bank_transaction_id="T",
            paid_at=datetime(2026, 3, 2, 5, 0, 1, 250, tzinfo=UTC),
            code="00",
            number=7,
            authorised=True,
            payer=PayerAccount("0011", "970436", "NGUYEN VAN A"),
            key=1,
        ),
    ],
)
def test_what_was_said_is_read_back_as_it_was_written(confirmation: Confirmation) -> None:
    assert confirmation_from_json(json.loads(confirmation_to_json(confirmation))) == confirmation
