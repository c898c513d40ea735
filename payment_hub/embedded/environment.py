"""The environment of the hub's processes: every name, in this one place.

A value that the caller has set already stays, so each can be replaced: `HUB_DATABASE_URL=... make run` uses that
database and starts none of its own.
"""

import base64
import json
import os
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DATABASE_URL = "HUB_DATABASE_URL"
BROKER_URL = "HUB_BROKER_URL"


@dataclass(frozen=True)
class Addresses:
    """Where the parts of one running hub are, and where agencies and banks leave their files."""

    database_url: str
    broker_url: str
    web_url: str
    simulators_url: str
    ledger_drop: Path
    statement_drop: Path

    @property
    def sandbox_url(self) -> str:
        """The address of the sandbox bank."""
        return f"{self.simulators_url}/sandbox"


def _key() -> str:
    """32 random bytes in base64: an HMAC secret, or the seed of an Ed25519 key."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


SECRETS: Mapping[str, Callable[[], str]] = {
    "HUB_SECRET_KEY": _key,
    "HUB_SIGNING_KEY": _key,
    "HUB_METRICS_TOKEN": lambda: secrets.token_urlsafe(24),
    "BANK_SANDBOX_SECRET": lambda: f"whsec_{_key()}",
}
"""How each secret is made, once for each instance."""


Sections = Mapping[str, Mapping[str, str]]
"""The settings of each simulated bank, by its name."""


def settings(addresses: Addresses, kept: Mapping[str, str], simulators: Sections) -> dict[str, str]:
    """All settings of the hub and its banks, from the addresses, the kept secrets and the simulators' settings."""
    sections = {
        f"BANK_{simulator.upper()}_{name}": value
        for simulator, section in simulators.items()
        for name, value in section.items()
    }
    return {
        DATABASE_URL: addresses.database_url,
        BROKER_URL: addresses.broker_url,
        "HUB_PUBLIC_URL": addresses.web_url,
        "HUB_SANDBOX": "1",
        "HUB_ENABLED_BANKS": " ".join(sorted(simulators)),
        "HUB_LEDGER_DROP": str(addresses.ledger_drop),
        "HUB_ALLOW_LOOPBACK_WEBHOOKS": "1",
        **sections,
        **kept,
    }


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process: the settings, and the caller's own environment, which comes first."""
    return {**own, "PYTHONUNBUFFERED": "1", **os.environ}


def given(name: str) -> str | None:
    """The caller's own value of a name; None if unset or empty."""
    return os.environ.get(name) or None


def keep_secrets(file: Path) -> dict[str, str]:
    """The secrets in this file; those that are missing are made and written there (mode 0600)."""
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = {name: make() for name, make in SECRETS.items() if name not in kept}
    if missing:
        kept |= missing
        write_private(file, json.dumps(kept, indent=2))
    return kept


def as_shell(environment: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Lines for a shell to read, so that the hub's commands can be used beside the running hub."""
    return "".join(f"export {name}={shlex.quote(environment[name])}\n" for name in sorted(names))


def write_private(file: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(file)
