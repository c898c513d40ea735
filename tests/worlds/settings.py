"""The settings of a hub under test: every address leads nowhere, and the keys have no value."""

from __future__ import annotations

import base64

from payment_hub.settings import Settings

KEY_32 = base64.b64encode(bytes(32)).decode()
ENVIRON = {
    "HUB_DATABASE_URL": "postgresql://not-used",
    "HUB_BROKER_URL": "amqp://not-used",
    "HUB_PUBLIC_URL": "https://hub.test",
    "HUB_SECRET_KEY": KEY_32,
    "HUB_SIGNING_KEY": KEY_32,
    "HUB_ENABLED_BANKS": "sandbox",
    "HUB_METRICS_TOKEN": "watch",
    "BANK_SANDBOX_URL": "http://127.0.0.1:9",
    "BANK_SANDBOX_SECRET": "whsec_" + KEY_32,
}

SETTINGS = Settings.from_environ(ENVIRON)
#: Webhooks may go to this machine.
TRIAL_SETTINGS = Settings.from_environ({**ENVIRON, "HUB_ALLOW_LOOPBACK_WEBHOOKS": "1"})
