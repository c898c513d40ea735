"""A draft of the migration that the tables need, made against a database at the newest one."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config

from payment_hub.embedded.instance import SOURCES
from payment_hub.embedded.postgres import throw_away_postgres


def draft_migration(name: str) -> Path:
    """Write `migrations/versions/<yyyymmdd>_<name>.py` from what the tables have and the migrations lack.

    It is a draft: its author reads it and adds what no tool can know.
    """
    revision = f"{time.strftime('%Y%m%d')}_{name}"
    with throw_away_postgres() as url:
        config = Config()
        config.set_main_option("script_location", _escaped(SOURCES / "migrations"))
        config.set_main_option("file_template", "%%(rev)s")
        config.set_main_option("sqlalchemy.url", _escaped(url))
        command.upgrade(config, "head")
        command.revision(config, message=name.replace("_", " "), autogenerate=True, rev_id=revision)
    return SOURCES / "migrations" / "versions" / f"{revision}.py"


def _escaped(value: object) -> str:
    """Alembic reads its options as an ini file does."""
    return str(value).replace("%", "%%")
