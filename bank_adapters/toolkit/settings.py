"""A bank's settings and our terms with it: frozen dataclasses whose fields say how a value is read and what it means.

``BANK_VIETBANK_READ_SECONDS`` in the environment is ``READ_SECONDS`` in the section and ``read_seconds`` in the
dataclass. Everything missing or malformed is reported in one error, so that an operator repairs it in one go.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import NO_TERMS, BankTerms, Bearer, Trust
from payment_hub.domain.obligations import Kind

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


def parse_url(text: str) -> str:
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


def number_between(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds, both allowed."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def text_matching(pattern: str) -> Callable[[str], str]:
    """Text that matches ``pattern`` whole."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"must match {pattern}")
        return text

    return read


def parse_key(text: str) -> bytes:
    """A shared secret used as its UTF-8 bytes; at least 8 of them."""
    key = text.encode()
    if len(key) < 8 or text != text.strip():
        raise ValueError("must be at least 8 bytes without spaces around")
    return key


def parse_folder(text: str) -> Path:
    """A folder that exists."""
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError("must be a folder that exists")
    return folder


Word = TypeVar("Word", bound=StrEnum)

_MOST_DONG: Final = 999_999_999


def agencies(text: str) -> tuple[str, ...]:
    """Codes of agencies, separated by spaces. An agency may be added later, so that its form alone can be wrong."""
    codes = _codes(text)
    if not all(re.fullmatch(r"[0-9A-Z]+(\.[0-9A-Z]+)*", code, re.ASCII) for code in codes):
        raise ValueError("must be codes of agencies such as G22.99, separated by spaces")
    return codes


def kinds(text: str) -> tuple[str, ...]:
    """Kinds of obligations, separated by spaces."""
    named = _codes(text)
    if not set(named) <= set(Kind):
        raise ValueError(f"must be kinds of obligations: {', '.join(Kind)}")
    return named


def _codes(text: str) -> tuple[str, ...]:
    if not text.split():
        raise ValueError("must name at least one")
    return tuple(text.split())


def parse_time(text: str) -> time:
    """A time of day in hub time, as ``16:30``."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII):
        raise ValueError("must be a time such as 16:30")
    return time.fromisoformat(text)


def parse_flag(text: str) -> bool:
    """``1`` or ``0``."""
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


def one_of(enumeration: type[Word]) -> Callable[[str], Word]:
    """One of an enumeration's words, in any case."""

    def read(text: str) -> Word:
        try:
            return enumeration(text.upper())
        except ValueError:
            raise ValueError(f"must be one of {', '.join(enumeration).lower()}") from None

    return read


@dataclass(frozen=True, slots=True)
class Terms:
    """``BANK_<NAME>_*`` of every bank, beside what its adapter needs."""

    agencies: tuple[str, ...] | None = setting(
        agencies, "codes of the agencies that it collects for, by spaces; all without it", default=None
    )
    kinds: tuple[str, ...] | None = setting(
        kinds, "kinds of obligations that it takes, by spaces; all without it", default=None
    )
    smallest: int | None = setting(
        number_between(1, _MOST_DONG), "least dong of one payment, if more than its protocol's", default=None
    )
    largest: int | None = setting(
        number_between(1, _MOST_DONG), "most dong of one payment, if less than its protocol's", default=None
    )
    fee_fixed: int = setting(number_between(0, _MOST_DONG), "dong it takes for each payment", default=0)
    fee_per_ten_thousand: int = setting(
        number_between(0, 10_000), "and of the amount, in ten-thousandths", default=0
    )
    fee_borne_by: Bearer = setting(
        one_of(Bearer), "who bears it: agency, payer (beside the amount) or hub", default=Bearer.AGENCY
    )
    settlement_days: int = setting(
        number_between(0, 30), "working days until it hands the money over", default=NO_TERMS.settlement_days
    )
    cut_off: time = setting(
        parse_time, "hub time after which a payment counts for the next working day", default=NO_TERMS.cut_off
    )
    closes_at_cut_off: bool = setting(
        parse_flag, "1: it opens payments on working days before the cut-off only", default=False
    )
    minutes_before_expiry: int = setting(
        number_between(0, 1440),
        "how long before its deadline an order is offered for the last time",
        default=0,
    )
    trust: Trust = setting(
        one_of(Trust),
        "what proves a payment: its callback, or an inquiry after it",
        default=NO_TERMS.trust,
    )
    inquiry_above: int | None = setting(
        number_between(0, _MOST_DONG), "above so many dong an inquiry is always needed", default=None
    )
    outcome_minutes: int = setting(
        number_between(1, 1440), "how long it takes at most to know what became of a payment", default=15
    )
    failures_to_rest: int = setting(
        number_between(1, 100), "so many unanswered calls in a row open the circuit", default=5
    )
    failure_seconds: int = setting(
        number_between(1, 3600), "an unanswered call longer ago than this is not counted", default=300
    )
    rest_seconds: int = setting(
        number_between(1, 3600), "how long the circuit stays open before one call tries it again", default=30
    )
    open_seconds: int | None = setting(
        number_between(1, 60),
        "how long it may be silent when a payment is opened; else READ_SECONDS",
        default=None,
    )
    query_seconds: int = setting(number_between(1, 60), "the same when a payment is queried", default=5)
    refund_seconds: int | None = setting(
        number_between(1, 60), "the same when a refund is requested", default=None
    )


def read_terms(bank: str, section: Mapping[str, str]) -> BankTerms:
    """The contract that a bank's section describes. Raises BankSettingsError."""
    read = read_section(Terms, bank, section)
    if read.largest is not None and read.largest < (read.smallest or 0):
        name = f"BANK_{bank.upper()}"
        raise BankSettingsError(malformed=[f"{name}_LARGEST (must not be less than {name}_SMALLEST)"])
    return BankTerms(
        agencies=read.agencies,
        kinds=read.kinds,
        smallest=read.smallest,
        largest=read.largest,
        fee_fixed=read.fee_fixed,
        fee_per_ten_thousand=read.fee_per_ten_thousand,
        borne_by=read.fee_borne_by,
        settlement_days=read.settlement_days,
        cut_off=read.cut_off,
        closes_at_cut_off=read.closes_at_cut_off,
        before_expiry=timedelta(minutes=read.minutes_before_expiry),
        trust=read.trust,
        inquiry_above=read.inquiry_above,
        outcome_within=timedelta(minutes=read.outcome_minutes),
        breaker=BreakerPolicy(
            failures=read.failures_to_rest,
            within=timedelta(seconds=read.failure_seconds),
            open_for=timedelta(seconds=read.rest_seconds),
            open_seconds=read.open_seconds,
            query_seconds=read.query_seconds,
            refund_seconds=read.refund_seconds,
        ),
    )


class RotatingSecret:
    """Settings with a ``secret`` and the ``secret_previous``, which is still valid while both sides change over."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def secret(self) -> bytes:
            """What we sign with, and believe."""

        @property
        def secret_previous(self) -> bytes | None:
            """The one before."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secrets under which a message is genuine, the newest first."""
        return (self.secret, *filter(None, [self.secret_previous]))
