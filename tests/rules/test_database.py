"""The database that the migrations make is the one that the code declares, and it refuses to change facts."""

from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Index, text
from sqlalchemy.exc import IntegrityError

from payment_hub.store.tables import Base
from tests.rules.conduct import append_only

GUARDED = text(
    "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' AND tgenabled <> 'D'"
)

#: SQLAlchemy knows the type only where a table is declared with it, not where it is read from the database.
pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8':sqlalchemy.exc.SAWarning")


def differences(connection: Connection) -> list[object]:
    """Differences between the tables in the code and those in the database, in either direction."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": False}
    )
    changes = list(compare_metadata(context, Base.metadata))
    removed = {change[1].name: change for change in changes if change[0] == "remove_index"}
    added = {change[1].name: change for change in changes if change[0] == "add_index"}
    # PostgreSQL returns an expression in its own layout, which alembic takes for another expression.
    same = [name for name in removed.keys() & added if plain(removed[name][1]) == plain(added[name][1])]
    equal = [index for name in same for index in (removed[name], added[name])]
    return [change for change in changes if change not in equal]


def plain(index: Index) -> tuple[object, ...]:
    """The parts of an index, without layout, type casts and brackets."""
    parts = [*index.expressions, index.dialect_options["postgresql"]["where"]]
    return index.unique, *(re.sub(r"\s|[()]|::\w+|^\w+\.", "", str(part)).lower() for part in parts)


def unguarded(connection: Connection) -> set[str]:
    """Tables that are append-only in the code or by a trigger, but not by both."""
    return set(append_only()) ^ set(connection.scalars(GUARDED))


def test_the_migrations_make_the_declared_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE agency ADD COLUMN undeclared text",
        "ALTER TABLE agency DROP COLUMN address",
        "ALTER TABLE agency ALTER COLUMN name TYPE integer USING 0",
        "ALTER TABLE agency ALTER COLUMN name DROP NOT NULL",
        "DROP INDEX uq_payment_order_one_open",
        "DROP INDEX uq_confirmation_applied; "
        "CREATE UNIQUE INDEX uq_confirmation_applied ON confirmation (bank, event_id, digest) "
        "WHERE disposition IN ('APPLIED', 'ORPHAN')",
        "CREATE TABLE undeclared (id bigint)",
    ],
)
def test_a_difference_is_seen(engine: Engine, change: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(change))
        assert differences(connection) != []
        connection.rollback()


def test_exactly_the_append_only_tables_have_a_trigger(engine: Engine) -> None:
    with engine.connect() as connection:
        assert unguarded(connection) == set()
        assert len(append_only()) >= 8


def test_a_missing_trigger_is_seen(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE receipt DISABLE TRIGGER USER"))
        assert unguarded(connection) == {"receipt"}
        connection.rollback()


@pytest.mark.parametrize("table", sorted(append_only()))
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_the_database_refuses_to_change_a_fact(engine: Engine, table: str, change: str) -> None:
    column = next(iter(Base.metadata.tables[table].primary_key)).name
    with engine.connect() as connection:
        with pytest.raises(IntegrityError, match="append-only"):
            connection.execute(text(change.format(table, column, column)))
        connection.rollback()
