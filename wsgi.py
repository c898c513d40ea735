"""Composition root: the one module where the hub, the banks and reconciliation meet, and the environment is read."""

from __future__ import annotations

import os
import sys
from functools import partial

from bank_adapters import load_adapters, load_terms, settings_faults
from payment_hub.app import create_app
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub, utc_now
from payment_hub.logs import configure_logs
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.settings import Settings, SettingsError
from payment_hub.tasks import SCHEDULE
from payment_hub.worker import create_celery
from reconciliation import app as reconciliation
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from reconciliation.tasks import SCHEDULE as NIGHT

configure_logs()
try:
    settings = Settings.from_environ(os.environ, settings_faults)
except SettingsError as refusal:
    sys.exit(str(refusal))
adapters = load_adapters(settings.enabled_banks, settings.banks, settings.public_url)
terms = load_terms(settings.enabled_banks, settings.banks)
hub = Hub.of(settings, adapters, utc_now, terms)
confirm = partial(receive_confirmation, hub, source=Source.STATEMENT)
books = Books(hub, CsvDrop(settings.ledger_drop), confirm)
application = create_app(settings, hub, blueprints=reconciliation.BLUEPRINTS)
reconciliation.attach(application, books)
celery = create_celery(application, settings.broker_url, SCHEDULE | NIGHT)
