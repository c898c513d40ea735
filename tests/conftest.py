"""What every test may ask for: a real database, a hub with a stopped clock, an app on top of it.

With HUB_TEST_DATABASE_URL set, that server is used; otherwise a throw-away PostgreSQL is started once for each worker.
The schema is made by the migrations, once; every test begins with empty tables, and ends with the invariants checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import sessionmaker

from payment_hub.embedded.postgres import throw_away_postgres
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants
from payment_hub.signing import Signer
from payment_hub.store.schema import upgrade
from tests.worlds.settings import TRIAL_SETTINGS


class StoppedClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **by: float) -> datetime:
        """Move on by ``timedelta(**by)``."""
        self.moment += timedelta(**by)
        return self.moment


# A shared machine is slow at times, so no example has a deadline; what failed is printed so that it can be repeated.
settings.register_profile("usual", deadline=None, print_blob=True)
settings.register_profile("deep", settings.get_profile("usual"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


@pytest.fixture(scope="session")
def database_url(worker_id: str) -> Iterator[str]:
    """An empty database of this worker's own on a real PostgreSQL server."""
    given = os.environ.get("HUB_TEST_DATABASE_URL")
    if given is None:
        with throw_away_postgres() as url:
            yield url
        return
    name = f"hub_test_{os.getpid()}_{worker_id}"
    server = create_engine(given, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(given).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()


@pytest.fixture(scope="session")
def migrated(database_url: str) -> Iterator[Engine]:
    """An engine on the migrated database."""
    engine = create_engine(database_url, pool_size=24, max_overflow=0)
    upgrade(engine)
    _let_truncate(engine)
    yield engine
    engine.dispose()


def _let_truncate(engine: Engine) -> None:
    """Let tests empty the append-only tables between them. UPDATE and DELETE stay refused, as everywhere."""
    with engine.begin() as connection:
        found = connection.execute(
            text(
                "SELECT tgrelid::regclass AS t, tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger "
                "WHERE tgfoid = 'refuse_change'::regproc AND pg_get_triggerdef(oid) LIKE '%OR TRUNCATE%'"
            )
        )
        for table, name, definition in found.all():
            connection.execute(text(f"DROP TRIGGER {name} ON {table}"))
            connection.execute(text(definition.replace(" OR TRUNCATE", "")))


@pytest.fixture
def engine(migrated: Engine) -> Engine:
    """The same engine, with every table empty and every number starting at 1."""
    emptied(migrated)
    return migrated


def emptied(engine: Engine) -> None:
    """Empty every table; every number starts at 1."""
    with engine.begin() as connection:
        named = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = ", ".join(name for name in named if name != "alembic_version")
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


@pytest.fixture
def clock() -> StoppedClock:
    """Monday 2 March 2026, 10:00 in Vietnam."""
    return StoppedClock()


@pytest.fixture
def signer() -> Signer:
    """Fixed keys of no value."""
    return Signer.of([b"k" * 32], [b"s" * 32])


@pytest.fixture
def hub(engine: Engine, clock: StoppedClock, signer: Signer, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """A hub without banks on the empty database; the invariants must hold when the test has ended."""
    hub = Hub(
        engine=engine,
        sessions=sessionmaker(engine),
        adapters={},
        now=clock,
        signer=signer,
        settings=TRIAL_SETTINGS,
    )
    yield hub
    if request.node.get_closest_marker("breaks_invariants") is None:
        assert check_invariants(hub) == []
