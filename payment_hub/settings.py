"""Settings: read once, at the start, from the environment; one error lists everything that is wrong."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


#: Per bank, what follows ``BANK_<NAME>_`` in the environment.
Sections = Mapping[str, Mapping[str, str]]

#: What is wrong in the settings of these banks, a sentence for each fault; they are given the hub's own address too.
BankFaults = Callable[[Sequence[str], Sections, str], Sequence[str]]


class SettingsError(Exception):
    """The settings are not complete or not readable; the start is refused."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n  ".join(["The settings are not right:", *faults]))
        self.faults = tuple(faults)


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None
    if len(key) != 32:
        raise ValueError("must be base64 of 32 bytes")
    return key


def _url(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError("must be an http(s) address")
    return text.rstrip("/")


def _database(text: str) -> str:
    if not text.startswith(("postgresql://", "postgresql+psycopg://")):
        raise ValueError("must be a PostgreSQL address")
    return text.replace("postgresql://", "postgresql+psycopg://", 1)


def _redis(text: str) -> str:
    if not text.startswith(("redis://", "rediss://")):
        raise ValueError("must be a redis(s) address")
    return text


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("must be a whole number")
    return int(text)


def _minutes(text: str) -> timedelta:
    return timedelta(minutes=_number(text))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _hosts(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _days(text: str) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(word) for word in text.split())
    except ValueError:
        raise ValueError("must be days such as 2026-02-17, separated by spaces") from None


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


_REQUIRED: Any = object()


def _setting(
    name: str,
    meaning: str,
    read: Callable[[str], T],
    default: str | None = _REQUIRED,
    *,
    secret: bool = False,
) -> T:
    """A field of Settings; returns its dataclass field, typed as the value that it will have."""
    metadata = {"name": name, "meaning": meaning, "read": read, "default": default, "secret": secret}
    declared: Any = field(repr=not secret, metadata=metadata)
    return declared  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set. ``docs/settings.md`` is made from this class."""

    database_url: str = _setting("HUB_DATABASE_URL", "PostgreSQL 15 or later", _database, secret=True)
    broker_url: str = _setting("HUB_BROKER_URL", "RabbitMQ, Redis or Valkey", str, secret=True)
    public_url: str = _setting("HUB_PUBLIC_URL", "Where citizens and banks reach the hub", _url)
    secret_key: bytes = _setting(
        "HUB_SECRET_KEY", "32 bytes in base64: checkout links, portals' webhook secrets", _key, secret=True
    )
    previous_secret_key: bytes | None = _setting(
        "HUB_SECRET_KEY_PREVIOUS", "The key before, while links made with it live", _key, None, secret=True
    )
    signing_key: bytes = _setting(
        "HUB_SIGNING_KEY", "Ed25519 seed, 32 bytes in base64: signs webhooks (v1a)", _key, secret=True
    )
    previous_signing_key: bytes | None = _setting(
        "HUB_SIGNING_KEY_PREVIOUS", "The seed before, while portals change over", _key, None, secret=True
    )
    enabled_banks: tuple[str, ...] = _setting(
        "HUB_ENABLED_BANKS",
        "Names of the banks, separated by spaces; each has its BANK_<NAME>_* settings",
        _names,
    )
    ledger_drop: Path | None = _setting(
        "HUB_LEDGER_DROP", "Folder where agencies leave their ledgers", Path, None
    )
    order_life: timedelta = _setting(
        "HUB_ORDER_MINUTES",
        "How long an order can be paid unless the portal gives another deadline",
        _minutes,
        "1440",
    )
    database_pool: int = _setting(
        "HUB_DATABASE_POOL",
        "Database connections of one process, for sessions; hot paths have as many of their own",
        _number,
        "4",
    )
    allow_loopback_webhooks: bool = _setting(
        "HUB_ALLOW_LOOPBACK_WEBHOOKS",
        "Webhooks may go to http addresses on this machine (trial only)",
        _flag,
        "0",
    )
    webhook_hosts: frozenset[str] = _setting(
        "HUB_WEBHOOK_HOSTS", "Hosts that webhooks may go to even if their address is private", _hosts, ""
    )
    holidays: frozenset[date] = _setting(
        "HUB_HOLIDAYS", "Days without settlement beside weekends, such as 2026-02-17, by spaces", _days, ""
    )
    metrics_token: str | None = _setting(
        "HUB_METRICS_TOKEN", "Bearer token of /metrics; without it /metrics is closed", str, None, secret=True
    )
    requests_per_minute: int = _setting(
        "HUB_REQUESTS_PER_MINUTE", "Requests of one API key, or of one address without a key", _number, "6000"
    )
    limits_url: str | None = _setting(
        "HUB_LIMITS_URL",
        "Redis or Valkey in which all processes count requests together; without it the broker, if it is one, or else "
        "each process counts its own",
        _redis,
        None,
        secret=True,
    )
    forwarded_hops: int = _setting(
        "HUB_FORWARDED_HOPS", "Proxies in front whose X-Forwarded-For entry is trusted", _number, "0"
    )
    sandbox: bool = _setting("HUB_SANDBOX", "1 shows on every page that no money is taken", _flag, "0")
    banks: Sections = field(default_factory=dict, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], bank_faults: BankFaults | None = None) -> Settings:
        """Read all settings. Raises SettingsError with every fault, those of the banks' settings after the hub's."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        for declared in setting_fields():
            name = declared.metadata["name"]
            try:
                text = _text_of(declared, environ) or declared.metadata["default"]
                if text is _REQUIRED:
                    faults.append(f"{name} is missing")
                else:
                    values[declared.name] = None if text is None else declared.metadata["read"](text)
            except ValueError as error:
                faults.append(f"{name} {error}")
        enabled = values.get("enabled_banks", ())
        values["banks"] = {bank: _section(bank, environ) for bank in enabled}
        if bank_faults is not None:
            faults += bank_faults(enabled, values["banks"], values.get("public_url", "https://hub.invalid"))
        if faults:
            raise SettingsError(faults)
        return cls(**values)


def setting_fields() -> list[Field[Any]]:
    """The fields of Settings that have a name in the environment."""
    return [declared for declared in fields(Settings) if "name" in declared.metadata]


def _text_of(declared: Field[Any], environ: Mapping[str, str]) -> str:
    """The setting's text; a secret's may stand in a file that ``<NAME>_FILE`` names. Raises ValueError."""
    name = declared.metadata["name"]
    file = environ.get(f"{name}_FILE", "") if declared.metadata["secret"] else ""
    if not file:
        return environ.get(name, "")
    if environ.get(name):
        raise ValueError(f"and {name}_FILE are both given")
    try:
        return Path(file).read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"cannot be read from the file that {name}_FILE names") from None


def _section(bank: str, environ: Mapping[str, str]) -> dict[str, str]:
    prefix = f"BANK_{bank.upper()}_"
    return {name.removeprefix(prefix): value for name, value in environ.items() if name.startswith(prefix)}
