"""A bank's settings: a frozen dataclass whose fields say how each value is read and what it means.

``BANK_VIETBANK_READ_SECONDS`` in the environment is ``READ_SECONDS`` in the section and ``read_seconds`` in
the dataclass. Everything missing or malformed is reported in one error, so that an operator repairs it in
one go.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Made = TypeVar("Made", bound="DataclassInstance")
Value = TypeVar("Value")

#: Section name under which ``load_adapters`` hands every bank the hub's own address.
PUBLIC_URL: Final = "PUBLIC_URL"

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BankSettingsError(ValueError):
    """A bank cannot be built from its settings; names everything that is wrong at once."""

    def __init__(
        self, *, missing: Iterable[str] = (), malformed: Iterable[str] = (), unknown: Iterable[str] = ()
    ) -> None:
        self.missing, self.malformed, self.unknown = (tuple(missing), tuple(malformed), tuple(unknown))
        self.faults = [
            *(f"{name} is missing" for name in self.missing),
            *self.malformed,
            *(f"{name} is no bank" for name in self.unknown),
        ]
        named = {"missing": self.missing, "malformed": self.malformed, "unknown bank": self.unknown}
        super().__init__("; ".join(f"{word}: {', '.join(names)}" for word, names in named.items() if names))


def setting(
    read: Callable[[str], Value], meaning: str, *, default: Any = dataclasses.MISSING, secret: bool = False
) -> Any:
    """Declare one setting.

    ``read`` turns its text into a value and raises ValueError with the reason, never the text.
    """
    return dataclasses.field(
        kw_only=True,
        default=default,
        metadata={"read": read, "meaning": meaning, "secret": secret},
        repr=not secret,
    )


def read_section(settings: type[Made], bank: str, section: Mapping[str, str]) -> Made:
    """Make ``settings`` from a bank's section.

    Raises BankSettingsError naming every missing and malformed setting.
    """
    values: dict[str, Any] = {}
    missing: list[str] = []
    malformed: list[str] = []
    for field in dataclasses.fields(settings):
        name = f"BANK_{bank.upper()}_{field.name.upper()}"
        try:
            text = _text_of(field, section)
        except ValueError as error:
            malformed.append(f"{name}_FILE ({error})")
            continue
        if text:
            try:
                values[field.name] = field.metadata["read"](text)
            except ValueError as error:
                malformed.append(f"{name} ({error})")
        elif field.default is dataclasses.MISSING:
            missing.append(name)
    if missing or malformed:
        raise BankSettingsError(missing=missing, malformed=malformed)
    return settings(**values)


def _text_of(field: dataclasses.Field[Any], section: Mapping[str, str]) -> str:
    """The setting's text; a secret's may stand in a file that ``<NAME>_FILE`` names. Raises ValueError."""
    name = field.name.upper()
    file = section.get(f"{name}_FILE", "") if field.metadata["secret"] else ""
    if not file:
        return section.get(name, "")
    if section.get(name):
        raise ValueError("and the value itself are both given")
    try:
        return Path(file).read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("cannot be read") from error


def describe(settings: type[DataclassInstance], bank: str) -> list[tuple[str, str, str, bool]]:
    """For the page of settings: name in the environment, meaning, default (or empty), secret or not."""
    return [
        (
            f"BANK_{bank.upper()}_{field.name.upper()}",
            field.metadata["meaning"],
            "" if field.default in (dataclasses.MISSING, None) else str(field.default),
            field.metadata["secret"],
        )
        for field in dataclasses.fields(settings)
        if field.name.upper() != PUBLIC_URL
    ]


def a_url(text: str) -> str:
    """An https address, or plain http to this machine only; without credentials, query or trailing slash."""
    parts = urlsplit(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must be an https address, or http to this machine")
    if (
        not parts.hostname
        or parts.username
        or parts.query
        or parts.fragment
        or not text.isascii()
        or "\\" in text
    ):
        raise ValueError("must be a plain address without user, query or fragment")
    return text.rstrip("/")


def a_number(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds, both allowed."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def a_word(pattern: str) -> Callable[[str], str]:
    """Text that matches ``pattern`` whole."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"must match {pattern}")
        return text

    return read


def a_key(text: str) -> bytes:
    """A shared secret used as its UTF-8 bytes; at least 8 of them."""
    key = text.encode()
    if len(key) < 8 or text != text.strip():
        raise ValueError("must be at least 8 bytes without spaces around")
    return key


def a_folder(text: str) -> Path:
    """A folder that exists."""
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError("must be a folder that exists")
    return folder
