"""The embedded PostgreSQL."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from payment_hub.embedded import os_user
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.postgres import THROW_AWAY, postgres, running_postgres, throw_away_postgres
from payment_hub.embedded.process import Program, run_once, supervised
from tests.embedded.conftest import processes_under


def query(url: str, statement: str) -> list[tuple[object, ...]]:
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
        query(one, "CREATE TABLE only_here ()")
        assert query(one, "SELECT to_regclass('only_here')::text") == [("only_here",)]
        assert query(other, "SELECT to_regclass('only_here')::text") == [(None,)]
        rights = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert query(one, rights) == [(False, True)], "refusals bind the hub; tests may copy a template"


def test_a_killed_server_is_replaced_and_has_all_that_was_committed(folder: Path) -> None:
    data, log = folder / "data", folder / "postgres.log"
    with supervised(folder / "processes") as supervisor:
        with running_postgres(supervisor, data, log=log) as server:
            query(server.url, "CREATE TABLE payment AS SELECT 150000 AS amount")
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert query(server.url, f"SHOW {setting}") == [("on",)]
            os.kill(supervisor.pid("postgres"), signal.SIGKILL)
            assert query_when_back(server.url, "SELECT amount FROM payment") == [(150000,)]
            supervisor.check()
        assert not server.socket.exists()
    assert processes_under(folder) == []


def test_a_server_starts_after_a_crash_of_everything_even_if_its_process_id_is_taken(folder: Path) -> None:
    data, log = folder / "data", folder / "postgres.log"
    with ExitStack() as stack:
        supervisor = stack.enter_context(supervised(folder / "processes", grace=0))
        server = stack.enter_context(running_postgres(supervisor, data, log=log))
        query(server.url, "CREATE TABLE payment AS SELECT 150000 AS amount")
        os.kill(supervisor.process.pid, signal.SIGKILL)
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        with pytest.raises(EmbeddedError, match="supervisord has ended"):
            stack.close()
    with another_process_has_its_number(data / "postmaster.pid"), postgres(data, log=log) as url:
        assert url == server.url
        assert query(url, "SELECT amount FROM payment") == [(150000,)]
    assert processes_under(folder) == []


def test_no_other_user_enters_and_no_second_server_works_on_the_same_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder / "data"
    with (
        supervised(folder / "processes") as supervisor,
        running_postgres(supervisor, data, log=folder / "postgres.log", settings=THROW_AWAY) as server,
    ):
        assert [place.stat().st_mode & 0o077 for place in (data, server.socket)] == [0, 0]
        assert query(server.url, "SHOW listen_addresses") == [("",)]
        monkeypatch.setattr("payment_hub.embedded.postgres.SECONDS_TO_VANISH", 0.2)
        second = postgres(data, log=folder / "second" / "postgres.log", settings=THROW_AWAY)
        with pytest.raises(EmbeddedError, match="another PostgreSQL works on"), second:
            pytest.fail("a second server works on the same data")
        assert query(server.url, "SELECT 1") == [(1,)]


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(folder: Path) -> None:
    wrong = {"fsync": "off", "no_such_setting": "on"}
    with (
        pytest.raises(EmbeddedError, match="unrecognized configuration parameter"),
        postgres(folder / "data", log=folder / "postgres.log", settings=wrong),
    ):
        pytest.fail("it runs with a setting that does not exist")
    assert processes_under(folder) == []


def test_data_in_a_closed_home_would_be_refused_before_anything_is_made(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    assert os_user.closed_parent(home / "hub" / "data") == home
    home.chmod(0o711)
    assert os_user.closed_parent(home / "hub" / "data") is None


def test_the_programs_work_from_the_copy_that_is_made_for_a_closed_home(folder: Path) -> None:
    package = os_user._wheel()
    inside = Path(package.name) / f"pginstall{os_user.POSTGRES_MAJOR}"
    os_user._copy(package, inside, folder / "copy")
    initdb = folder / "copy" / inside / "bin" / "initdb"
    command = [str(initdb), "-D", str(folder / "data"), "--no-sync"]
    folder.chmod(0o777)
    user = os_user.postgres_user()
    run_once(Program("initdb", command, folder=folder, log=folder / "initdb.log", user=user))
    assert (folder / "data" / "PG_VERSION").read_text().strip() == os_user.POSTGRES_MAJOR


@contextmanager
def another_process_has_its_number(pid_file: Path) -> Iterator[None]:
    """As it is after a restart of the machine, when process ids are given out anew."""
    with subprocess.Popen(["/bin/sleep", "60"], user=os_user.postgres_user()) as other:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        try:
            yield
        finally:
            other.kill()


def query_when_back(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows, as soon as the server is there again."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return query(url, statement)
        except OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
