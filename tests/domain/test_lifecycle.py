"""A lifecycle does what its table says; the house's own tables have no state that nobody can reach."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from payment_hub.domain.errors import IllegalTransition
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.payments import ATTEMPT_LIFE, UNDER_WAY, AttemptEvent, AttemptState, wait_before_query
from payment_hub.domain.webhooks import WEBHOOK_LIFE


class Door(StrEnum):
    SHUT = "SHUT"
    AJAR = "AJAR"
    GONE = "GONE"


class Push(StrEnum):
    PUSHED = "PUSHED"
    BURNT = "BURNT"


LIFE = Lifecycle(
    "door",
    Door.SHUT,
    {
        (Door.SHUT, Push.PUSHED): Door.AJAR,
        (Door.SHUT, Push.BURNT): Door.GONE,
        (Door.AJAR, Push.BURNT): Door.GONE,
    },
)


def test_a_move_in_the_table_is_made() -> None:
    assert LIFE.after(Door.SHUT, Push.PUSHED) is Door.AJAR
    assert LIFE.allows(Door.SHUT, Push.PUSHED)


def test_any_other_move_is_refused_by_name() -> None:
    assert not LIFE.allows(Door.GONE, Push.PUSHED)
    with pytest.raises(IllegalTransition, match="door: PUSHED cannot happen to GONE"):
        LIFE.after(Door.GONE, Push.PUSHED)


def test_it_tells_where_an_event_may_happen_and_what_is_final() -> None:
    assert LIFE.sources(Push.BURNT) == (Door.SHUT, Door.AJAR)
    assert [state for state in Door if LIFE.is_final(state)] == [Door.GONE]


def test_it_is_drawn_as_its_table() -> None:
    assert LIFE.as_mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> SHUT",
        "    SHUT --> AJAR: PUSHED",
        "    SHUT --> GONE: BURNT",
        "    AJAR --> GONE: BURNT",
    ]


def test_money_that_has_come_is_never_talked_away() -> None:
    assert ATTEMPT_LIFE.is_final(AttemptState.SUCCEEDED)
    for state in set(AttemptState) - {AttemptState.SUCCEEDED}:
        assert ATTEMPT_LIFE.after(state, AttemptEvent.PAID) is AttemptState.SUCCEEDED


def test_only_a_proof_ends_what_is_unknown() -> None:
    events = {event for state, event in ATTEMPT_LIFE.table if state is AttemptState.UNKNOWN}
    assert events == {AttemptEvent.INSTRUCTIONS_GIVEN, AttemptEvent.PAID, AttemptEvent.DECLINED}


def test_an_attempt_under_way_is_one_whose_end_is_not_known() -> None:
    ended = {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.ABANDONED}
    assert set(UNDER_WAY) == set(AttemptState) - ended


def test_a_bank_is_asked_often_at_first_then_hourly_then_daily() -> None:
    waits = [wait_before_query(asked).total_seconds() for asked in range(40)]
    assert waits[:8] == [5, 5, 30, 120, 300, 900, 3600, 3600]
    assert waits == sorted(waits)
    assert (waits[30], waits[31]) == (3600, 86400)


@pytest.mark.parametrize("life", [ATTEMPT_LIFE, WEBHOOK_LIFE], ids=lambda life: life.name)
def test_nothing_happens_before_the_first_state(life: Lifecycle[Any, Any]) -> None:
    assert life.first in {state for state, _ in life.table}
