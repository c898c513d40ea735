"""Claims on idempotency keys: one request has a key, and no other request gets it or its answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payment_hub.domain.errors import IdempotencyConflict, RequestStillRunning
from payment_hub.domain.idempotency import KEPT, LEASE, StoredAnswer
from payment_hub.hub import Hub
from payment_hub.operations.idempotency import claim_request, release_request, store_answer
from tests.conftest import StoppedClock
from tests.worlds.database import rows

ONE, OTHER = b"1" * 32, b"2" * 32
ANSWER = StoredAnswer(200, '{"status":"CANCELLED"}', {"ETag": '"2"'})


def claim(hub: Hub, digest: bytes = ONE, caller: str = "portal:dvc") -> StoredAnswer | None:
    return claim_request(hub, caller=caller, key="k", request_sha256=digest)


def remember(hub: Hub, body: str = ANSWER.body) -> None:
    headers = dict(ANSWER.headers)
    store_answer(hub, caller="portal:dvc", key="k", status=ANSWER.status, body=body, headers=headers)


def test_the_same_request_gets_the_first_answer_and_another_gets_none(hub: Hub) -> None:
    assert claim(hub) is None
    remember(hub)
    assert claim(hub) == ANSWER
    with pytest.raises(IdempotencyConflict):
        claim(hub, OTHER)
    assert claim(hub, OTHER, caller="portal:tinh") is None


def test_the_first_answer_is_the_one_that_stays(hub: Hub) -> None:
    claim(hub)
    remember(hub)
    remember(hub, body="{}")
    release_request(hub, caller="portal:dvc", key="k")
    assert claim(hub) == ANSWER


def test_while_the_first_runs_the_same_waits_and_another_is_refused(hub: Hub) -> None:
    claim(hub)
    with pytest.raises(RequestStillRunning):
        claim(hub)
    with pytest.raises(IdempotencyConflict):
        claim(hub, OTHER)


def test_an_orphaned_key_is_taken_over_by_its_own_request_alone(hub: Hub, clock: StoppedClock) -> None:
    claim(hub)
    clock.moment += LEASE - timedelta(seconds=1)
    with pytest.raises(RequestStillRunning):
        claim(hub)
    clock.advance(seconds=1)
    with pytest.raises(IdempotencyConflict):
        claim(hub, OTHER)
    assert claim(hub) is None
    with pytest.raises(RequestStillRunning):
        claim(hub)
    assert rows(hub, "SELECT request_sha256, leased_until FROM idempotency_record") == [
        {"request_sha256": ONE, "leased_until": clock() + LEASE}
    ]


def test_a_key_that_has_expired_is_anybodys_of_this_caller(hub: Hub, clock: StoppedClock) -> None:
    claim(hub)
    remember(hub)
    clock.moment += KEPT - timedelta(seconds=1)
    assert claim(hub) == ANSWER
    clock.advance(seconds=1)
    assert claim(hub, OTHER) is None


def test_a_key_that_was_given_back_is_free(hub: Hub) -> None:
    claim(hub)
    release_request(hub, caller="portal:tinh", key="k")
    with pytest.raises(RequestStillRunning):
        claim(hub)
    release_request(hub, caller="portal:dvc", key="k")
    assert claim(hub, OTHER) is None
