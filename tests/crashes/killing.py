"""Killing a process at every point at which that can matter: around each statement, each commit and each call outside.

The points are counted in a run without a kill, and then visited one by one. A kill is an exception that nothing in the
house catches: like a real one it loses what was not committed, and keeps what was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import sessionmaker

from payment_hub.domain.banks.port import BankAdapter
from payment_hub.hub import Hub
from payment_hub.store.connections import Prepared

MORTAL = "mortal"
"""How the server knows the connections of the process that is killed."""


_ALIVE = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")


class Killed(BaseException):
    """The process died here."""


@dataclass
class Points:
    """Counts the points that are passed, and kills at the chosen one."""

    kill_at: int | None = None
    names: list[str] = field(default_factory=list)
    counting: bool = True

    def begin(self, kill_at: int) -> None:
        """Count anew, and kill at this point."""
        self.kill_at = kill_at
        self.names = []
        self.counting = True

    def passing(self, name: str) -> None:
        """A point at which the process may die."""
        if not self.counting:
            return
        self.names.append(name)
        if len(self.names) - 1 == self.kill_at:
            raise Killed(name)

    @property
    def dead(self) -> bool:
        """Whether the kill has happened."""
        return self.kill_at is not None and len(self.names) > self.kill_at


class MortalBank:
    """A bank whose every call is a point before and a point after."""

    def __init__(self, bank: BankAdapter, points: Points) -> None:
        self._bank, self._points, self.code = bank, points, bank.code

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._bank, verb)
        if not callable(call):
            return call

        def watched(*asked: Any) -> Any:
            self._points.passing(f"before {verb}")
            answer = call(*asked)
            self._points.passing(f"after {verb}")
            return answer

        return watched


@contextmanager
def mortal(hub: Hub, points: Points) -> Iterator[Hub]:
    """The hub in a process of its own, as it were: its own connections, which die with it."""
    watched = {"application_name": MORTAL, "cursor_factory": _mortal_cursor(points)}
    engine = create_engine(hub.engine.url, pool_size=4, connect_args=watched)
    _watch(engine, points)
    unwatched = _watch_prepared(points)
    banks: dict[str, Any] = {name: MortalBank(bank, points) for name, bank in hub.adapters.items()}
    try:
        yield replace(hub, engine=engine, sessions=sessionmaker(engine), adapters=banks)
    finally:
        Prepared.row = unwatched  # type: ignore[method-assign]
        engine.dispose()
        _wait_until_buried(hub.engine)


def _wait_until_buried(engine: Engine) -> None:
    """Wait until the server has noticed the death, and has rolled back what was not committed."""
    for _ in range(1000):
        with engine.connect() as connection:
            if connection.execute(_ALIVE, {"name": MORTAL}).scalar_one() == 0:
                return
        time.sleep(0.002)
    raise TimeoutError("the dead process still has connections")


def _mortal_cursor(points: Points) -> type[psycopg.Cursor[Any]]:
    """A cursor of the driver's for which every statement is a point before and a point after."""

    class MortalCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            points.passing(f"before {_beginning(str(query))}")
            answer = super().execute(query, params, **more)
            points.passing(f"after {_beginning(str(query))}")
            return answer

        def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
            points.passing(f"before {_beginning(str(query))}")
            super().executemany(query, params_seq, **more)
            points.passing(f"after {_beginning(str(query))}")

    return MortalCursor


def _watch_prepared(points: Points) -> Callable[..., Any]:
    """Make each statement of the hot verbs, on the connections that die, a point before and a point after."""
    run = Prepared.row

    def row(statement: Prepared, connection: Any, values: Any) -> Any:
        if connection.info.get_parameters().get("application_name") != MORTAL:
            return run(statement, connection, values)
        points.passing(f"before the hot {_beginning(statement.sql)}")
        answer = run(statement, connection, values)
        points.passing(f"after the hot {_beginning(statement.sql)}")
        return answer

    Prepared.row = row  # type: ignore[method-assign, assignment]
    return run


def _watch(engine: Engine, points: Points) -> None:
    points.counting = False
    with engine.connect():  # the dialect's own questions at the first connection are no part of the verb
        pass
    points.counting = True

    commit = engine.dialect.do_commit

    def do_commit(dbapi_connection: Any) -> None:
        points.passing("before COMMIT")
        commit(dbapi_connection)
        points.passing("after COMMIT")

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign]


def _beginning(statement: str) -> str:
    return " ".join(statement.split())[:30]
