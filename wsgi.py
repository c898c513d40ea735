"""Composition root: the one module where the hub, the banks and reconciliation meet, and the environment is read."""

from __future__ import annotations

import os

from bank_adapters import load_adapters
from payment_hub.app import create_app
from payment_hub.hub import Hub, utc_now
from payment_hub.logs import configure_logs
from payment_hub.settings import Settings
from payment_hub.tasks import SCHEDULE
from payment_hub.worker import create_celery

configure_logs()
settings = Settings.from_environ(os.environ)
adapters = load_adapters(settings.enabled_banks, settings.banks, settings.public_url)
hub = Hub.of(settings, adapters, utc_now)
application = create_app(settings, hub)
celery = create_celery(application, settings.broker_url, SCHEDULE)
