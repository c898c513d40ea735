"""Connections of the hot verbs: every statement is its own transaction, and borrowing one costs next to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, LifoQueue
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

#: A connection of the driver's own.
Statements = psycopg.Connection[Any]

#: Seconds to wait while all are in use.
_PATIENCE: Final = 5


class Connections:
    """As many as the engine's pool may have, opened when they are needed; the one used last is lent first.

    Each is made by the engine, with its limits, and taken out of its pool for good.
    """

    def __init__(self, places: int) -> None:
        self.process: Final = os.getpid()
        self._idle: Final[LifoQueue[Statements | None]] = LifoQueue()
        for _ in range(places):
            self._idle.put(None)

    @contextmanager
    def lend(self, engine: Engine) -> Iterator[Statements]:
        """One for as long as the block lasts. Raises OperationalError when none is to be had."""
        try:
            connection = self._idle.get(timeout=_PATIENCE)
        except Empty:
            raise psycopg.OperationalError("all connections are in use") from None
        try:
            if connection is None:
                connection = _opened(engine)
            yield connection
        finally:
            self._idle.put(connection if _is_sound(connection) else None)

    def close_idle(self) -> None:
        """Close what nobody uses."""
        while not self._idle.empty():
            if connection := self._idle.get():
                connection.close()


def lent_by(engine: Engine) -> AbstractContextManager[Statements]:
    """A connection for as long as the block lasts. Raises OperationalError when none is to be had."""
    return _connections_of(engine).lend(engine)


def _connections_of(engine: Engine) -> Connections:
    """Those of an engine in this process; a child process never touches its parent's."""
    found = _OF.get(engine)
    if found is not None and found.process == os.getpid():
        return found
    with _MAKING:
        found = _OF.get(engine)
        if found is None or found.process != os.getpid():
            found = _OF[engine] = Connections(engine.pool.size())  # type: ignore[attr-defined]
        return found


_OF: Final[WeakKeyDictionary[Engine, Connections]] = WeakKeyDictionary()
_MAKING: Final = Lock()


@event.listens_for(Engine, "engine_disposed")
def _leave(engine: Engine) -> None:
    """Who disposes of an engine disposes of these too."""
    left = _OF.pop(engine, None)
    if left is not None and left.process == os.getpid():
        left.close_idle()


def _opened(engine: Engine) -> Statements:
    made = engine.raw_connection()
    own: Statements = made.driver_connection  # type: ignore[assignment]
    made.detach()
    own.autocommit = True
    return own


def _is_sound(connection: Statements | None) -> bool:
    """Whether it may be lent again; one that is lost, or was left in the middle of something, is closed."""
    if connection is None:
        return False
    if connection.pgconn.transaction_status == TransactionStatus.IDLE:
        return True
    connection.close()
    return False
