"""The breaker among many: who is not the probe decides nothing, and one payment closes no bank for the others."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from payment_hub.domain.banks.health import PROBE_SECONDS, BankOperation, BreakerPolicy
from payment_hub.domain.banks.profile import BankTerms
from payment_hub.domain.errors import BankUnavailable, CircuitOpen
from payment_hub.domain.timeouts import seconds_to_wait, waiting_at_most
from payment_hub.hub import Hub, Memory
from payment_hub.operations.banks import announce_downtime, call_bank, read_bank_states
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import rows

GONE = BankUnavailable("no answer")
REST = timedelta(seconds=5)
OPEN = BankOperation.OPEN


@pytest.fixture
def hub(hub: Hub) -> Hub:
    terms = BankTerms(breaker=BreakerPolicy(failures=2, open_for=REST))
    return replace(with_banks(hub, one=StandInBank()), terms={"one": terms})


def another(hub: Hub) -> Hub:
    return replace(hub, memory=Memory())


def fails(hub: Hub, times: int = 1, about: str | None = None) -> None:
    def call() -> None:
        raise GONE

    for _ in range(times):
        with pytest.raises(BankUnavailable):
            call_bank(hub, bank="one", operation=OPEN, call=call, about=about)


def state(hub: Hub) -> str:
    [row] = rows(hub, "SELECT state FROM bank_health")
    return str(row["state"])


@pytest.mark.parametrize("slow_one", ["answers", "fails"])
def test_while_the_probe_is_out_no_other_word_counts(hub: Hub, clock: StoppedClock, slow_one: str) -> None:
    """A question from before the breaker opened ends while the probe is out: it neither closes nor opens it."""
    is_out, may_end = threading.Event(), threading.Event()

    def slowly() -> str:
        is_out.set()
        assert may_end.wait(10)
        if slow_one == "fails":
            raise GONE
        return "yes"

    def asking() -> None:
        with contextlib.suppress(BankUnavailable):
            call_bank(another(hub), bank="one", operation=OPEN, call=slowly)

    slow = threading.Thread(target=asking)
    slow.start()
    assert is_out.wait(10)
    fails(hub, 2)
    clock.moment += REST

    def probe() -> str:
        may_end.set()
        slow.join(10)
        assert state(hub) == "HALF_OPEN"
        return "yes"

    assert call_bank(another(hub), bank="one", operation=OPEN, call=probe) == "yes"
    assert state(hub) == "CLOSED"


def test_a_probe_is_noted_whatever_this_process_remembered(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 2)
    clock.moment += REST
    stale = read_bank_states(another(hub))

    def meanwhile() -> str:
        hub.memory.bank_states = stale  # another thread had read it just before the probe was claimed
        return "yes"

    assert call_bank(hub, bank="one", operation=OPEN, call=meanwhile) == "yes"
    assert state(hub) == "CLOSED"


def test_one_payment_that_a_bank_chokes_on_closes_it_for_nobody(hub: Hub) -> None:
    fails(hub, 10, about="DV1-1")
    assert state(hub) == "CLOSED"
    assert call_bank(hub, bank="one", operation=OPEN, call=lambda: "yes", about="DV2-1") == "yes"
    fails(hub, 1, about="DV1-1")
    fails(hub, 1, about="DV2-1")
    assert state(hub) == "OPEN"


def test_a_probe_is_waited_for_no_longer_than_its_lease_lasts(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 2)
    clock.moment += REST
    waited = call_bank(hub, bank="one", operation=OPEN, call=lambda: seconds_to_wait(60))
    assert waited == PROBE_SECONDS
    assert call_bank(hub, bank="one", operation=OPEN, call=lambda: seconds_to_wait(60)) == 60


def test_patience_can_only_shorten() -> None:
    with waiting_at_most(3), waiting_at_most(10):
        assert seconds_to_wait(60) == 3


def test_a_downtime_told_in_hanoi_time_is_said_in_utc(hub: Hub, clock: StoppedClock) -> None:
    hanoi = timezone(timedelta(hours=7))
    ends_at = (clock() + timedelta(hours=1)).astimezone(hanoi)
    announce_downtime(hub, bank="one", starts_at=clock(), ends_at=ends_at, reason="so", announced_by="op")
    with hub.engine.connect() as connection, connection.begin():
        database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE \"{database}\" SET timezone TO 'Asia/Ho_Chi_Minh'")
    try:
        hub.engine.dispose()
        with pytest.raises(CircuitOpen, match="asked again at 2026-03-02T04:00:00Z"):
            call_bank(hub, bank="one", operation=OPEN, call=lambda: "yes")
    finally:
        with hub.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f'ALTER DATABASE "{database}" RESET timezone')
        hub.engine.dispose()
