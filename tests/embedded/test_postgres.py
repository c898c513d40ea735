"""The embedded PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from payment_hub.embedded import account
from payment_hub.embedded.child import Plan, run, start
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.postgres import (
    THROW_AWAY,
    postgres,
    start_postgres,
    stop_postgres,
    throw_away_postgres,
)
from tests.embedded.conftest import processes_under


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows of one committed statement."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_two_servers_side_by_side_have_data_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, astray in [
        ("PGPORT", "1"),
        ("PGHOST", "/nowhere"),
        ("PGDATA", "/nowhere"),
        ("LC_ALL", "xx_YY"),
    ]:
        monkeypatch.setenv(name, astray)
    with throw_away_postgres() as one, throw_away_postgres() as other:
        ask(one, "CREATE TABLE only_here ()")
        assert ask(one, "SELECT to_regclass('only_here')::text") == [("only_here",)]
        assert ask(other, "SELECT to_regclass('only_here')::text") == [(None,)]
        rights = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert ask(one, rights) == [(False, True)], "refusals bind the hub; tests may copy a template"


def test_a_killed_server_starts_again_with_all_that_was_committed(folder: Path) -> None:
    data, log = folder / "data", folder / "postgres.log"
    server = start_postgres(data, log=log)
    ask(server.url, "CREATE TABLE payment AS SELECT 150000 AS amount")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(server.url, f"SHOW {setting}") == [("on",)]
    os.killpg(server.child.process.pid, signal.SIGKILL)
    server.child.process.wait()
    with another_process_has_its_number(data / "postmaster.pid", folder), postgres(data, log=log) as url:
        assert url == server.url
        assert ask(url, "SELECT amount FROM payment") == [(150000,)]
    assert processes_under(folder) == []
    assert not server.socket.exists()


def test_nobody_else_enters_and_no_second_server_works_on_the_same_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_postgres(folder / "data", log=folder / "postgres.log", settings=THROW_AWAY)
    try:
        assert [place.stat().st_mode & 0o077 for place in (folder / "data", server.socket)] == [0, 0]
        assert ask(server.url, "SHOW listen_addresses") == [("",)]
        monkeypatch.setattr("payment_hub.embedded.postgres.SECONDS_TO_VANISH", 0.2)
        with pytest.raises(EmbeddedError, match="another PostgreSQL works on"):
            start_postgres(folder / "data", log=folder / "second.log", settings=THROW_AWAY)
        assert ask(server.url, "SELECT 1") == [(1,)]
    finally:
        stop_postgres(server)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match="unrecognized configuration parameter"):
        start_postgres(
            folder / "data", log=folder / "postgres.log", settings={"fsync": "off", "no_such_setting": "on"}
        )
    assert processes_under(folder) == []


def test_data_in_a_closed_home_would_be_refused_before_anything_is_made(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    assert account.closed_parent(home / "hub" / "data") == home
    home.chmod(0o711)
    assert account.closed_parent(home / "hub" / "data") is None


def test_the_programs_work_from_the_copy_that_is_made_for_a_closed_home(folder: Path) -> None:
    package = account._wheel()
    inside = Path(package.name) / f"pginstall{account.POSTGRES_MAJOR}"
    account._copy(package, inside, folder / "copy")
    initdb = folder / "copy" / inside / "bin" / "initdb"
    command = [str(initdb), "-D", str(folder / "data"), "--no-sync"]
    folder.chmod(0o777)
    run(Plan("initdb", command, folder=folder, log=folder / "initdb.log", account=account.account()))
    assert (folder / "data" / "PG_VERSION").read_text().strip() == account.POSTGRES_MAJOR


@contextmanager
def another_process_has_its_number(pid_file: Path, folder: Path) -> Iterator[None]:
    """As it is after a restart of the machine, when numbers are given out anew."""
    log = folder / "other.log"
    other = start(Plan("other", ["/bin/sleep", "60"], folder=Path("/"), log=log, account=account.account()))
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(other.process.pid), *lines[1:]]) + "\n")
    try:
        yield
    finally:
        other.stop()
