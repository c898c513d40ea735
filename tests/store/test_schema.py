"""The schema: every migration goes down as well as up."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from payment_hub.embedded.postgres import throw_away_postgres
from payment_hub.store.schema import newest_revision, revision_of, upgrade


def test_every_migration_goes_down_and_up_again() -> None:
    config = Config()
    config.set_main_option("script_location", "migrations")
    with throw_away_postgres() as url:
        engine = create_engine(url)
        upgrade(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        with engine.connect() as connection:
            assert revision_of(connection) is None
        upgrade(engine)
        with engine.connect() as connection:
            assert revision_of(connection) == newest_revision()
        engine.dispose()
