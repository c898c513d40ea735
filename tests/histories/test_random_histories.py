"""Random histories: whatever callers, banks and the clock do, every invariant holds after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from payment_hub.hub import Hub
from tests.conftest import StoppedClock
from tests.histories.machine import Histories


def _live(hub: Hub, clock: StoppedClock, histories: int, steps: int) -> None:
    class Here(Histories):
        pass

    Here.hub, Here.clock = hub, clock
    chosen = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    run_state_machine_as_test(Here, settings=chosen)
    assert Here.steps > histories


def test_some_histories(hub: Hub, clock: StoppedClock) -> None:
    _live(hub, clock, histories=12, steps=25)


@pytest.mark.deep
def test_many_long_histories(hub: Hub, clock: StoppedClock) -> None:
    _live(hub, clock, histories=300, steps=60)
