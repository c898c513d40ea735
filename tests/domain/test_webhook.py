"""How long the hub goes on telling a portal, and what answers mean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payment_hub.domain.errors import EventNotFound, Malformed
from payment_hub.domain.webhooks import (
    ENDED,
    LADDER,
    LEASE,
    LONGEST_WAIT,
    WEBHOOK_LIFE,
    EventCursor,
    WebhookEvent,
    WebhookState,
    event_id_of,
    event_number,
    meaning_of,
    wait_after,
)
from payment_hub.outbound import TOTAL_SECONDS


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_the_ladder_climbs_for_about_three_days_and_ends(jitter: float) -> None:
    waits = [wait_after(attempts, jitter) for attempts in range(1, len(LADDER) + 1)]
    whole = sum((wait for wait in waits if wait is not None), timedelta())
    assert None not in waits
    assert timedelta(hours=64) < whole < timedelta(hours=79)
    assert max(wait for wait in waits if wait is not None) <= LONGEST_WAIT
    assert wait_after(len(LADDER) + 1, jitter) is None


def test_webhooks_that_failed_together_do_not_come_back_together() -> None:
    assert wait_after(4, 0.0) != wait_after(4, 0.5) != wait_after(4, 0.9)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_acceptance(status: int) -> None:
    assert meaning_of(status, 1) is WebhookEvent.ACCEPTED
    assert meaning_of(status, 99) is WebhookEvent.ACCEPTED


@pytest.mark.parametrize(
    "status", [None, 100, 103, 199, 300, 301, 302, 308, 400, 401, 404, 409, 429, 500, 503]
)
def test_anything_else_is_a_failure_and_ends_the_last_try(status: int | None) -> None:
    assert meaning_of(status, 1) is WebhookEvent.FAILED
    assert meaning_of(status, len(LADDER)) is WebhookEvent.FAILED
    assert meaning_of(status, len(LADDER) + 1) is WebhookEvent.GIVEN_UP


def test_gone_ends_it_at_once() -> None:
    assert meaning_of(410, 1) is WebhookEvent.GONE


def test_every_webhook_ends_by_itself_and_only_a_wish_revives_it() -> None:
    leaves_an_end = {event for (state, event) in WEBHOOK_LIFE.table if state in ENDED}
    assert leaves_an_end == {WebhookEvent.SENT_AGAIN}
    assert set(WEBHOOK_LIFE.table.values()) == set(WebhookState)
    assert set(WEBHOOK_LIFE.sources(WebhookEvent.SENT_AGAIN)) == set(WebhookState)
    assert {*ENDED, WEBHOOK_LIFE.first} == set(WebhookState)


def test_a_lease_outlasts_a_batch() -> None:
    """The last POST begins at most one time-out after the batch did, and ends one time-out later."""
    assert timedelta(seconds=3 * TOTAL_SECONDS) < LEASE


@pytest.mark.parametrize(
    "cursor", [EventCursor(1, 1), EventCursor(2**63 - 1, 2**63 - 1), EventCursor(7_654_321, 0)]
)
def test_a_cursor_is_read_back(cursor: EventCursor) -> None:
    assert EventCursor.parse(cursor.as_text()) == cursor
    assert cursor.as_text().replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "x" * 21,
        "A" * 23,
        "=" * 22,
        "A" * 21 + "B",
        "____" * 5 + "_w",
        "đ" * 22,
        "A" * 21 + "\n",
        "A" * 21 + " ",
    ],
)
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Malformed):
        EventCursor.parse(text)


def test_an_event_id_is_read_back_and_holds_no_dot() -> None:
    assert event_number(event_id_of(2**63 - 1)) == 2**63 - 1
    assert "." not in event_id_of(17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "evt_",
        "evt_0",
        "evt_017",
        "evt_-1",
        "evt_1.0",
        "evt_9999999999999999999",
        "evt_٣",
        "evt_1\n",
    ],
)
def test_any_other_text_is_no_event(text: str) -> None:
    with pytest.raises(EventNotFound):
        event_number(text)
