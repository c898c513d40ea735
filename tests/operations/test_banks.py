"""Calls to banks: timed, counted, and stopped by the breaker."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

from payment_hub.domain.banks.health import PROBE, PROBE_SECONDS, BankOperation, BreakerPolicy
from payment_hub.domain.banks.profile import BankTerms
from payment_hub.domain.errors import BankUnavailable, CircuitOpen, HubUnavailable, Malformed
from payment_hub.domain.timeouts import seconds_to_wait, waiting_at_most
from payment_hub.hub import Hub, Memory, connect
from payment_hub.operations.banks import (
    FRESH,
    announce_downtime,
    call_bank,
    cancel_downtime,
    list_downtimes,
    read_bank_states,
    show_bank_health,
)
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import count, rows

GONE = BankUnavailable("no answer")
REST = timedelta(seconds=30)
TERMS = BankTerms(breaker=BreakerPolicy(failures=3, open_for=REST, open_seconds=7, query_seconds=2))


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return replace(with_banks(hub, one=StandInBank()), terms={"one": TERMS})


def asks(hub: Hub, answer: object = "yes", operation: BankOperation = BankOperation.OPEN) -> object:
    def call() -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return call_bank(hub, bank="one", operation=operation, call=call)


def fails(hub: Hub, times: int = 1, operation: BankOperation = BankOperation.OPEN) -> None:
    for _ in range(times):
        with pytest.raises(BankUnavailable):
            asks(hub, GONE, operation)


def breaker(hub: Hub) -> list[tuple[str, str, int]]:
    found = rows(hub, "SELECT operation, state, failures FROM bank_health ORDER BY operation")
    return [(row["operation"], row["state"], row["failures"]) for row in found]


def another_process(hub: Hub) -> Hub:
    """The same hub with a memory of its own."""
    return replace(hub, memory=Memory())


@pytest.fixture
def statements(hub: Hub) -> Iterator[list[str]]:
    """Every statement that the hub's sessions send."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(hub.engine, "before_cursor_execute", note)
    yield sent
    event.remove(hub.engine, "before_cursor_execute", note)


def test_a_bank_that_answers_costs_one_small_question_a_second_and_writes_nothing(
    hub: Hub, clock: StoppedClock, statements: list[str]
) -> None:
    for _ in range(100):
        assert asks(hub) == "yes"
    assert len(statements) == 1
    clock.moment += FRESH
    asks(hub)
    assert len(statements) == 2
    assert all(statement.startswith("SELECT") for statement in statements)
    assert count(hub, "bank_health") == 0


def test_after_so_many_failures_in_a_row_it_is_left_alone(hub: Hub) -> None:
    fails(hub, 3)
    assert breaker(hub) == [("OPEN", "OPEN", 3)]
    with pytest.raises(CircuitOpen, match="2026-03-02T03:00:30Z"):
        asks(hub, AssertionError("it was asked"))


def test_an_answer_between_begins_the_count_anew(hub: Hub) -> None:
    fails(hub, 2)
    asks(hub)
    assert breaker(hub) == [("OPEN", "CLOSED", 0)]
    fails(hub, 2)
    assert asks(hub) == "yes"


def test_each_operation_has_a_breaker_of_its_own(hub: Hub) -> None:
    fails(hub, 3)
    assert asks(hub, operation=BankOperation.QUERY) == "yes"
    fails(hub, 3, BankOperation.REFUND)
    assert breaker(hub) == [("OPEN", "OPEN", 3), ("REFUND", "OPEN", 3)]


def test_another_process_learns_of_it_within_a_second(hub: Hub, clock: StoppedClock) -> None:
    other = another_process(hub)
    asks(other)
    fails(hub, 3)
    assert asks(other) == "yes"
    clock.moment += FRESH
    with pytest.raises(CircuitOpen):
        asks(other)


def test_failures_of_all_processes_count_together(hub: Hub) -> None:
    for process in (hub, another_process(hub), another_process(hub)):
        fails(process)
    with pytest.raises(CircuitOpen):
        asks(another_process(hub))


def test_when_it_has_rested_one_probe_closes_it(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 3)
    clock.moment += REST
    assert asks(hub) == "yes"
    assert breaker(hub) == [("OPEN", "CLOSED", 0)]


def test_a_probe_that_fails_lets_it_rest_again(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 3)
    clock.moment += REST
    fails(hub)
    assert breaker(hub) == [("OPEN", "OPEN", 4)]
    clock.moment += REST - timedelta(seconds=1)
    with pytest.raises(CircuitOpen):
        asks(hub)


def test_while_one_probes_the_others_do_not_ask(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 3)
    clock.moment += REST
    other = another_process(hub)

    def meanwhile() -> str:
        with pytest.raises(CircuitOpen):
            asks(other)
        return "yes"

    assert call_bank(hub, bank="one", operation=BankOperation.OPEN, call=meanwhile) == "yes"
    clock.moment += FRESH
    assert asks(other) == "yes"


def test_a_prober_that_dies_is_followed_by_another(hub: Hub, clock: StoppedClock) -> None:
    fails(hub, 3)
    clock.moment += REST
    with pytest.raises(Killed):
        asks(hub, Killed())
    with pytest.raises(CircuitOpen):
        asks(hub)
    clock.moment += PROBE
    assert asks(another_process(hub)) == "yes"


def test_what_our_own_adapter_refuses_says_nothing_about_the_bank(hub: Hub, clock: StoppedClock) -> None:
    for _ in range(10):
        with pytest.raises(Malformed):
            asks(hub, Malformed("too long"))
    assert count(hub, "bank_health") == 0
    fails(hub, 3)
    clock.moment += REST
    with pytest.raises(Malformed):
        asks(hub, Malformed("too long"))
    assert breaker(hub) == [("OPEN", "HALF_OPEN", 3)]
    assert asks(hub) == "yes"


def test_an_announced_downtime_is_kept_by_all_and_ends(hub: Hub, clock: StoppedClock) -> None:
    now = clock()
    number = announce_downtime(
        hub,
        bank="one",
        starts_at=now + timedelta(minutes=1),
        ends_at=now + timedelta(minutes=2),
        reason="new core",
        announced_by="the bank",
        operation=BankOperation.OPEN,
    )
    assert asks(hub) == "yes"
    clock.advance(minutes=1)
    with pytest.raises(CircuitOpen, match="away; asked again at 2026-03-02T03:02:00Z"):
        asks(hub)
    assert asks(hub, operation=BankOperation.QUERY) == "yes"
    assert [downtime.id for downtime in list_downtimes(hub)] == [number]
    clock.advance(minutes=1)
    assert asks(hub) == "yes"
    assert list_downtimes(hub) == []
    assert count(hub, "bank_health") == 0


def test_a_downtime_that_is_withdrawn_ends_at_once(hub: Hub, clock: StoppedClock) -> None:
    ends_at = clock() + timedelta(hours=1)
    number = announce_downtime(
        hub, bank="one", starts_at=clock(), ends_at=ends_at, reason="so", announced_by="op"
    )
    with pytest.raises(CircuitOpen):
        asks(hub)
    assert {view.downtime_until for view in show_bank_health(hub)} == {ends_at}
    cancel_downtime(hub, number=number, cancelled_by="op")
    assert asks(hub) == "yes"


def test_how_long_an_answer_is_waited_for_is_said_by_the_contract_or_by_who_asks(hub: Hub) -> None:
    def waited(operation: BankOperation, seconds: int | None = None) -> int:
        return call_bank(
            hub, bank="one", operation=operation, call=lambda: seconds_to_wait(10), seconds=seconds
        )

    assert waited(BankOperation.OPEN) == 7
    assert waited(BankOperation.QUERY) == 2
    assert waited(BankOperation.REFUND) == 10
    assert waited(BankOperation.OPEN, 3) == 3
    assert seconds_to_wait(10) == 10


def test_a_database_that_goes_away_meanwhile_does_not_hide_what_the_bank_answered(hub: Hub) -> None:
    gone = connect("postgresql+psycopg://127.0.0.1:9/nothing", pool=1)
    memory = hub.memory
    lonely = replace(hub, engine=gone, sessions=sessionmaker(gone), memory=memory)
    asks(hub)
    with pytest.raises(BankUnavailable):
        asks(lonely, GONE)
    memory.bank_states = None
    with pytest.raises(HubUnavailable):
        asks(lonely)


SHORT_REST = timedelta(seconds=5)
OPEN = BankOperation.OPEN


@pytest.fixture
def hub_of_short_rest(hub: Hub) -> Hub:
    terms = BankTerms(breaker=BreakerPolicy(failures=2, open_for=SHORT_REST))
    return replace(with_banks(hub, one=StandInBank()), terms={"one": terms})


def another(hub: Hub) -> Hub:
    return replace(hub, memory=Memory())


def fails_about(hub: Hub, times: int = 1, about: str | None = None) -> None:
    def call() -> None:
        raise GONE

    for _ in range(times):
        with pytest.raises(BankUnavailable):
            call_bank(hub, bank="one", operation=OPEN, call=call, about=about)


def state(hub: Hub) -> str:
    [row] = rows(hub, "SELECT state FROM bank_health")
    return str(row["state"])


@pytest.mark.parametrize("slow_one", ["answers", "fails"])
def test_while_the_probe_is_out_no_other_word_counts(
    hub_of_short_rest: Hub, clock: StoppedClock, slow_one: str
) -> None:
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
            call_bank(another(hub_of_short_rest), bank="one", operation=OPEN, call=slowly)

    slow = threading.Thread(target=asking)
    slow.start()
    assert is_out.wait(10)
    fails_about(hub_of_short_rest, 2)
    clock.moment += SHORT_REST

    def probe() -> str:
        may_end.set()
        slow.join(10)
        assert state(hub_of_short_rest) == "HALF_OPEN"
        return "yes"

    assert call_bank(another(hub_of_short_rest), bank="one", operation=OPEN, call=probe) == "yes"
    assert state(hub_of_short_rest) == "CLOSED"


def test_a_probe_is_noted_whatever_this_process_remembered(
    hub_of_short_rest: Hub, clock: StoppedClock
) -> None:
    fails_about(hub_of_short_rest, 2)
    clock.moment += SHORT_REST
    stale = read_bank_states(another(hub_of_short_rest))

    def meanwhile() -> str:
        hub_of_short_rest.memory.bank_states = (
            stale  # another thread had read it just before the probe was claimed
        )
        return "yes"

    assert call_bank(hub_of_short_rest, bank="one", operation=OPEN, call=meanwhile) == "yes"
    assert state(hub_of_short_rest) == "CLOSED"


def test_one_payment_that_a_bank_chokes_on_closes_it_for_nobody(hub_of_short_rest: Hub) -> None:
    fails_about(hub_of_short_rest, 10, about="DV1-1")
    assert state(hub_of_short_rest) == "CLOSED"
    assert (
        call_bank(hub_of_short_rest, bank="one", operation=OPEN, call=lambda: "yes", about="DV2-1") == "yes"
    )
    fails_about(hub_of_short_rest, 1, about="DV1-1")
    fails_about(hub_of_short_rest, 1, about="DV2-1")
    assert state(hub_of_short_rest) == "OPEN"


def test_a_probe_is_waited_for_no_longer_than_its_lease_lasts(
    hub_of_short_rest: Hub, clock: StoppedClock
) -> None:
    fails_about(hub_of_short_rest, 2)
    clock.moment += SHORT_REST
    waited = call_bank(hub_of_short_rest, bank="one", operation=OPEN, call=lambda: seconds_to_wait(60))
    assert waited == PROBE_SECONDS
    assert call_bank(hub_of_short_rest, bank="one", operation=OPEN, call=lambda: seconds_to_wait(60)) == 60


def test_patience_can_only_shorten() -> None:
    with waiting_at_most(3), waiting_at_most(10):
        assert seconds_to_wait(60) == 3


def test_a_downtime_told_in_hanoi_time_is_said_in_utc(hub_of_short_rest: Hub, clock: StoppedClock) -> None:
    hanoi = timezone(timedelta(hours=7))
    ends_at = (clock() + timedelta(hours=1)).astimezone(hanoi)
    announce_downtime(
        hub_of_short_rest, bank="one", starts_at=clock(), ends_at=ends_at, reason="so", announced_by="op"
    )
    with hub_of_short_rest.engine.connect() as connection, connection.begin():
        database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE \"{database}\" SET timezone TO 'Asia/Ho_Chi_Minh'")
    try:
        hub_of_short_rest.engine.dispose()
        with pytest.raises(CircuitOpen, match="asked again at 2026-03-02T04:00:00Z"):
            call_bank(hub_of_short_rest, bank="one", operation=OPEN, call=lambda: "yes")
    finally:
        with hub_of_short_rest.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f'ALTER DATABASE "{database}" RESET timezone')
        hub_of_short_rest.engine.dispose()
