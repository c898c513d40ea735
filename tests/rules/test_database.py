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
    """What the tables in the code have and the database lacks, and the other way round."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": False}
    )
    found = list(compare_metadata(context, Base.metadata))
    removed = {each[1].name: each for each in found if each[0] == "remove_index"}
    added = {each[1].name: each for each in found if each[0] == "add_index"}
    # PostgreSQL gives an expression back in its own layout, which alembic takes for another expression.
    same = [name for name in removed.keys() & added if plain(removed[name][1]) == plain(added[name][1])]
    return [each for each in found if each not in [*(removed[n] for n in same), *(added[n] for n in same)]]


def plain(index: Index) -> tuple[object, ...]:
    """What an index says, without layout, casts and brackets."""
    said = [*index.expressions, index.dialect_options["postgresql"]["where"]]
    return index.unique, *(re.sub(r"\s|[()]|::\w+|^\w+\.", "", str(each)).lower() for each in said)


def unguarded(connection: Connection) -> set[str]:
    """Tables that are append-only in the code or by a trigger, but not by both."""
    return set(append_only()) ^ set(connection.scalars(GUARDED))


def test_the_migrations_make_the_declared_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE agency ADD COLUMN forgotten text",
        "ALTER TABLE agency DROP COLUMN address",
        "ALTER TABLE agency ALTER COLUMN name TYPE integer USING 0",
        "ALTER TABLE agency ALTER COLUMN name DROP NOT NULL",
        "DROP INDEX uq_payment_order_one_open",
        "DROP INDEX uq_confirmation_applied; "
        "CREATE UNIQUE INDEX uq_confirmation_applied ON confirmation (bank, event_id, digest) "
        "WHERE disposition IN ('APPLIED', 'ORPHAN')",
        "CREATE TABLE forgotten (id bigint)",
    ],
)
def test_a_table_that_is_not_declared_so_is_seen(engine: Engine, change: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(change))
        assert differences(connection) != []
        connection.rollback()


def test_what_is_declared_append_only_has_a_trigger_and_nothing_else_has(engine: Engine) -> None:
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
