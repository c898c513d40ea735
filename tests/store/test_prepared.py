"""Statements of the hot verbs: what is sent is what is stored, and what the server says is heard."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from payment_hub.domain.errors import HubUnavailable
from payment_hub.hub import DriverConnection, Hub
from payment_hub.store.connections import Prepared, lent_by


class Word(StrEnum):
    """A word of ours."""

    PAID = "PAID"


@pytest.fixture
def connection(hub: Hub) -> Iterator[DriverConnection]:
    with hub.autocommit() as borrowed:
        yield borrowed


def echoed(connection: DriverConnection, kind: str, value: object) -> Any:
    """The value after it has been there and back."""
    answer = Prepared(f"SELECT %(value)s::{kind} AS value").row(connection, {"value": value})
    assert answer is not None
    return answer["value"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", ""),
        ("text", "Nguyễn Văn Á 🧾 '\"\\ $1 %(value)s"),
        ("bigint", -(2**63)),
        ("boolean", True),
        ("boolean", False),
        ("bytea", bytes(range(256))),
        ("bytea", b""),
        ("timestamptz", datetime(2026, 11, 22, 14, 35, 59, 123456, tzinfo=UTC)),
        ("timestamptz", datetime(2026, 11, 22, 21, 35, tzinfo=timezone(timedelta(hours=7)))),
        ("date", date(2028, 2, 29)),
        ("text[]", []),
        ("text[]", ["", "NULL", 'a"b', "c\\d", "e,f", "{g}", " h ", "ủ", None]),
        ("bigint[]", [1, -2, 10**15]),
        ("text[]", [Word.PAID]),
        ("text", Word.PAID),
        ("text", None),
    ],
)
def test_a_value_comes_back_as_it_was_sent(connection: DriverConnection, kind: str, value: object) -> None:
    assert echoed(connection, kind, value) == value


def test_text_with_a_nul_or_half_a_character_is_refused_before_it_is_sent(
    connection: DriverConnection,
) -> None:
    """The wire's text ends at a NUL: sent, it would be cut there without a word."""
    for kind, value in (("text", "a\0b"), ("text[]", ["a\0b"])):
        with pytest.raises(psycopg.DataError):
            echoed(connection, kind, value)
    with pytest.raises(UnicodeEncodeError):
        echoed(connection, "text", "\ud800")
    assert echoed(connection, "text", "still here") == "still here"


def test_a_type_that_nothing_was_written_for_is_refused(connection: DriverConnection) -> None:
    with pytest.raises(TypeError):
        echoed(connection, "numeric", 1.5)


def test_a_statement_that_finds_nothing_answers_nothing(connection: DriverConnection) -> None:
    assert Prepared("SELECT 1 AS one WHERE %(no)s::boolean").row(connection, {"no": False}) is None


def test_a_parameter_may_stand_twice_and_a_value_that_is_not_asked_for_is_left_out(
    connection: DriverConnection,
) -> None:
    twice = Prepared("SELECT %(a)s::int + %(b)s::int + %(a)s::int AS sum")
    assert twice.row(connection, {"a": 1, "b": 10, "c": object()}) == {"sum": 12}


def test_one_statement_serves_many_threads_and_connections(hub: Hub) -> None:
    double = Prepared("SELECT %(n)s::int * 2 AS doubled, pg_backend_pid() AS pid")

    def ask(number: int) -> tuple[int, int]:
        with hub.autocommit() as connection:
            found = double.row(connection, {"n": number})
        assert found is not None
        return found["doubled"] - 2 * number, found["pid"]

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(ask, range(400)))
    assert {wrong for wrong, _ in answers} == {0}
    assert 1 <= len({pid for _, pid in answers}) <= 8


def test_a_key_that_is_taken_names_its_constraint(connection: DriverConnection) -> None:
    Prepared("CREATE TEMPORARY TABLE IF NOT EXISTS taken (key text CONSTRAINT one_of_each UNIQUE)").row(
        connection, {}
    )
    try:
        take = Prepared("INSERT INTO taken VALUES (%(key)s)")
        take.row(connection, {"key": "k"})
        with pytest.raises(psycopg.errors.UniqueViolation) as refused:
            take.row(connection, {"key": "k"})
        assert refused.value.diag.constraint_name == "one_of_each"
        assert echoed(connection, "int", 1) == 1
    finally:
        Prepared("DROP TABLE taken").row(connection, {})


def test_a_statement_that_takes_too_long_is_ended_and_the_hub_is_unavailable(database_url: str) -> None:
    engine = create_engine(database_url, connect_args={"options": "-c statement_timeout=50"})
    try:
        with lent_by(engine) as connection:
            with pytest.raises(psycopg.errors.QueryCanceled):
                Prepared("SELECT pg_sleep(10)").row(connection, {})
            assert echoed(connection, "int", 1) == 1
    finally:
        engine.dispose()


def test_a_lost_connection_is_said_and_is_not_lent_again(hub: Hub) -> None:
    lost: list[DriverConnection] = []

    def lose() -> None:
        with hub.autocommit() as mine, hub.autocommit() as other:
            lost.append(mine)
            end = Prepared("SELECT pg_terminate_backend(%(pid)s::int, 5000) AS ended")
            assert end.row(other, {"pid": mine.pgconn.backend_pid}) == {"ended": True}
            echoed(mine, "int", 1)

    with pytest.raises(HubUnavailable):
        lose()
    assert lost[0].closed
    for _ in range(3):
        with hub.autocommit() as sound:
            assert echoed(sound, "int", 1) == 1


def test_what_is_left_in_the_middle_of_a_transaction_is_not_lent_again(hub: Hub) -> None:
    with hub.autocommit() as left:
        left.execute("BEGIN")
    assert left.closed


def test_who_disposes_of_an_engine_closes_its_connections(database_url: str) -> None:
    engine: Engine = create_engine(database_url)
    with lent_by(engine) as connection:
        assert echoed(connection, "int", 1) == 1
        assert not connection.closed
    engine.dispose()
    with lent_by(engine) as another:
        assert echoed(another, "int", 2) == 2
    engine.dispose()
    assert (connection.closed, another.closed) == (True, True)
