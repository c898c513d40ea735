"""Driver connections and prepared statements for the two hot operations, and the switch for whole-table reads.

A statement is prepared once on each connection and then sent in one call with its values as text. The types of the
values are those in the SQL (``%(name)s::bigint``), so the same plan serves every value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from itertools import count
from queue import Empty, LifoQueue
from threading import Lock, local
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

#: A connection of the driver's own.
DriverConnection = psycopg.Connection[Any]

#: Seconds to wait while all are in use.
_TIMEOUT: Final = 5


class Connections:
    """As many as the engine's pool may have, opened when they are needed; the one used last is lent first.

    Each is made by the engine, with its limits, and taken out of its pool for good.
    """

    def __init__(self, places: int) -> None:
        self.process: Final = os.getpid()
        self._idle: Final[LifoQueue[DriverConnection | None]] = LifoQueue()
        for _ in range(places):
            self._idle.put(None)

    @contextmanager
    def lend(self, engine: Engine) -> Iterator[DriverConnection]:
        """One for as long as the block lasts. Raises OperationalError when none is to be had."""
        try:
            connection = self._idle.get(timeout=_TIMEOUT)
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


def lent_by(engine: Engine) -> AbstractContextManager[DriverConnection]:
    """A connection for as long as the block lasts. Raises OperationalError when none is to be had."""
    return _connections_of(engine).lend(engine)


def _connections_of(engine: Engine) -> Connections:
    """Those of an engine in this process; a child process never touches its parent's."""
    connections = _OF.get(engine)
    if connections is not None and connections.process == os.getpid():
        return connections
    with _MAKING:
        connections = _OF.get(engine)
        if connections is None or connections.process != os.getpid():
            connections = _OF[engine] = Connections(engine.pool.size())  # type: ignore[attr-defined]
        return connections


_OF: Final[WeakKeyDictionary[Engine, Connections]] = WeakKeyDictionary()
_MAKING: Final = Lock()


@event.listens_for(Engine, "engine_disposed")
def _leave(engine: Engine) -> None:
    """Who disposes of an engine disposes of these too."""
    connections = _OF.pop(engine, None)
    if connections is not None and connections.process == os.getpid():
        connections.close_idle()


def _opened(engine: Engine) -> DriverConnection:
    made = engine.raw_connection()
    own: DriverConnection = made.driver_connection  # type: ignore[assignment]
    made.detach()
    own.autocommit = True
    return own


def _is_sound(connection: DriverConnection | None) -> bool:
    """Whether it may be lent again; one that is lost, or was left in the middle of something, is closed."""
    if connection is None:
        return False
    if connection.pgconn.transaction_status == TransactionStatus.IDLE:
        return True
    connection.close()
    return False


_ANSWERED: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
_NUMBER: Final = count(1)
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")


class Prepared:
    """One statement with ``%(name)s`` parameters, which answers with at most one row."""

    def __init__(self, sql: str) -> None:
        self._names: Final = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        places = {name: f"${place}" for place, name in enumerate(self._names, 1)}
        numbered = _PARAMETER.sub(lambda match: places[match[1]], sql)
        self.sql: Final = sql
        self._text: Final = numbered.encode()
        self._id: Final = b"hub_%d" % next(_NUMBER)
        self._columns: tuple[str, ...] = ()
        self._prepared_on: Final[WeakSet[psycopg.Connection[Any]]] = WeakSet()

    def row(self, connection: psycopg.Connection[Any], values: Mapping[str, object]) -> dict[str, Any] | None:
        """Run it and answer its first row by column, or None.

        Values that the SQL does not name are ignored. Raises the driver's errors; OperationalError when the connection
        is lost.
        """
        sent = [_as_text(values[name]) for name in self._names]
        if connection not in self._prepared_on:
            _require(connection, connection.pgconn.prepare(self._id, self._text))
            self._prepared_on.add(connection)
        answer = connection.pgconn.exec_prepared(self._id, sent)  # type: ignore[arg-type] # None is NULL
        _require(connection, answer)
        if not self._columns:
            self._columns = tuple((answer.fname(place) or b"").decode() for place in range(answer.nfields))
        reader = _of_this_thread.reader
        reader.set_pgresult(answer)
        row = (
            dict(zip(self._columns, reader.load_row(0, tuple) or (), strict=True)) if answer.ntuples else None
        )
        reader.set_pgresult(None)
        return row


class _OfThisThread(local):
    """A reader of answers: it remembers how each type is read, and moments that it reads are in UTC."""

    def __init__(self) -> None:
        self.reader: Final = Transformer()


_of_this_thread: Final = _OfThisThread()


def _require(connection: psycopg.Connection[Any], answer: PGresult) -> None:
    """Raise what the server refused, or OperationalError when it is gone."""
    if answer.status in _ANSWERED:
        return
    if connection.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection to the database is lost")
    raise error_from_result(answer, connection.info.encoding)


def _as_text(value: object) -> bytes | None:
    """A value as PostgreSQL reads it. Raises TypeError for a type that no statement has needed, DataError for a NUL."""
    if value is None:
        return None
    written = _WRITTEN.get(type(value))
    if written is not None:
        return written(value)
    if isinstance(value, str):  # a word of one of our own lists
        return _text(value)
    raise TypeError(f"no statement takes a {type(value).__name__}")


def _text(value: str) -> bytes:
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL text cannot hold a NUL")
    return value.encode()


def _array(values: list[object]) -> bytes:
    return b"{%b}" % b",".join(_element(_as_text(value)) for value in values)


def _element(value: bytes | None) -> bytes:
    if value is None:
        return b"NULL"
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


_WRITTEN: Final[Mapping[type, Callable[[Any], bytes]]] = {
    str: _text,
    int: b"%d".__mod__,
    bool: lambda value: b"t" if value else b"f",
    bytes: lambda value: b"\\x" + value.hex().encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    list: _array,
}


#: Raised by a statement of the hot verbs when somebody has claimed one of its keys since we looked.
AlreadyClaimed: Final = psycopg.errors.UniqueViolation


def claimed_key(error: psycopg.errors.UniqueViolation) -> str | None:
    """The constraint that names the key which was claimed."""
    return error.diag.constraint_name


def allow_seq_scan(session: Session) -> None:
    """Until the transaction ends, plans may read tables from end to end, and no statement is cut off.

    ``hub.connect`` forbids both for the requests that people and banks wait for.
    """
    session.execute(text("SET LOCAL enable_seqscan = on"))
    session.execute(text("SET LOCAL statement_timeout = 0"))
