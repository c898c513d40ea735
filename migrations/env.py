"""Alembic's environment: the address comes from whoever calls it, never from a file."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

import reconciliation.store.tables  # noqa: F401  (its tables live in the same metadata)
from payment_hub.store.tables import Base

target_metadata = Base.metadata


def run() -> None:
    """Run migrations on the given connection, or on one made from ``sqlalchemy.url``."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run_on(connection)
        return
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
    with engine.connect() as fresh:
        _run_on(fresh)


def _run_on(connection) -> None:  # type: ignore[no-untyped-def]
    context.configure(connection=connection, target_metadata=target_metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run()
