"""A source tree with stand-ins for the hub's own parts, and the real embedded package.

The web server, the worker and beat are the real ones; what they run is as small as it can be, so that
a test of starting and stopping takes seconds and fails for no other reason.
"""

import shutil
from pathlib import Path

from payment_hub.embedded.instance import SOURCES

WSGI = """
import os
import click
from celery import Celery
from flask import Flask
from sqlalchemy import create_engine, text

celery = Celery("hub", broker=os.environ["HUB_BROKER_URL"])
engine = create_engine(os.environ["HUB_DATABASE_URL"])
application = Flask("hub")

@celery.task(name="note")
def note(words):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO notes VALUES (:words)"), {"words": words})

@application.cli.command("hub")
@click.argument("migrate")
def migrate(migrate):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS notes (words text)"))

@application.get("/health/ready")
def ready():
    return {"secret": os.environ["HUB_SECRET_KEY"]}

@application.post("/notes/<words>")
def send(words):
    note.delay(words)
    return {}

@application.get("/notes")
def notes():
    with engine.begin() as connection:
        return [row.words for row in connection.execute(text("SELECT words FROM notes ORDER BY words"))]
"""

SIMULATORS = """
import http.server, sys

if "--settings" in sys.argv:
    print("{}")
else:
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), None).serve_forever()
"""


def build(folder: Path) -> Path:
    """Write the tree into a folder that is made for it."""
    embedded = Path("payment_hub") / "embedded"
    shutil.copytree(SOURCES / embedded, folder / embedded, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "payment_hub" / "__init__.py").touch()
    bank = folder / "bank_adapters" / "simulators"
    bank.mkdir(parents=True)
    (bank / "__main__.py").write_text(SIMULATORS)
    (folder / "wsgi.py").write_text(WSGI)
    return folder
