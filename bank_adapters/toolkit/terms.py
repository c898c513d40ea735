"""Our contract with a bank, from the same section of the settings as its adapter's own: ``BANK_<NAME>_AGENCIES``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from bank_adapters.toolkit.settings import BankSettingsError, a_number, read_section, setting
from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import NO_TERMS, BankTerms, Bearer, Trust
from payment_hub.domain.obligations import Kind

Word = TypeVar("Word", bound=StrEnum)

_MOST_DONG: Final = 999_999_999


def agencies(text: str) -> tuple[str, ...]:
    """Codes of agencies, separated by spaces. An agency may be added later, so that its form alone can be wrong."""
    codes = _words(text)
    if not all(re.fullmatch(r"[0-9A-Z]+(\.[0-9A-Z]+)*", code, re.ASCII) for code in codes):
        raise ValueError("must be codes of agencies such as G22.99, separated by spaces")
    return codes


def kinds(text: str) -> tuple[str, ...]:
    """Kinds of obligations, separated by spaces."""
    named = _words(text)
    if not set(named) <= set(Kind):
        raise ValueError(f"must be kinds of obligations: {', '.join(Kind)}")
    return named


def _words(text: str) -> tuple[str, ...]:
    if not text.split():
        raise ValueError("must name at least one")
    return tuple(text.split())


def a_time(text: str) -> time:
    """A time of day in hub time, as ``16:30``."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII):
        raise ValueError("must be a time such as 16:30")
    return time.fromisoformat(text)


def yes_or_no(text: str) -> bool:
    """``1`` or ``0``."""
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


def one_of(known: type[Word]) -> Callable[[str], Word]:
    """One of an enumeration's words, in any case."""

    def read(text: str) -> Word:
        try:
            return known(text.upper())
        except ValueError:
            raise ValueError(f"must be one of {', '.join(known).lower()}") from None

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
        a_number(1, _MOST_DONG), "least dong of one payment, if more than its protocol's", default=None
    )
    largest: int | None = setting(
        a_number(1, _MOST_DONG), "most dong of one payment, if less than its protocol's", default=None
    )
    fee_fixed: int = setting(a_number(0, _MOST_DONG), "dong it takes for each payment", default=0)
    fee_per_ten_thousand: int = setting(
        a_number(0, 10_000), "and of the amount, in ten-thousandths", default=0
    )
    fee_borne_by: Bearer = setting(
        one_of(Bearer), "who bears it: agency, payer (beside the amount) or hub", default=Bearer.AGENCY
    )
    settlement_days: int = setting(
        a_number(0, 30), "working days until it hands the money over", default=NO_TERMS.settlement_days
    )
    cut_off: time = setting(
        a_time, "hub time after which a payment counts for the next working day", default=NO_TERMS.cut_off
    )
    closes_at_cut_off: bool = setting(
        yes_or_no, "1: it opens payments on working days before the cut-off only", default=False
    )
    minutes_before_expiry: int = setting(
        a_number(0, 1440), "how long before its deadline an order is offered for the last time", default=0
    )
    trust: Trust = setting(
        one_of(Trust),
        "what proves a payment: its callback, or an inquiry after it",
        default=NO_TERMS.trust,
    )
    inquiry_above: int | None = setting(
        a_number(0, _MOST_DONG), "above so many dong an inquiry is always wanted", default=None
    )
    known_minutes: int = setting(
        a_number(1, 1440), "how long it takes at most to know what became of a payment", default=15
    )
    failures_to_rest: int = setting(
        a_number(1, 100), "so many unanswered questions in a row, and it is left alone", default=5
    )
    failure_seconds: int = setting(
        a_number(1, 3600), "an unanswered question longer ago than this is forgotten", default=300
    )
    rest_seconds: int = setting(
        a_number(1, 3600), "how long it is left alone before one question tries it again", default=30
    )
    open_seconds: int | None = setting(
        a_number(1, 60), "how long it may be silent when a payment is opened; else READ_SECONDS", default=None
    )
    query_seconds: int = setting(a_number(1, 60), "the same when it is asked about one", default=5)
    refund_seconds: int | None = setting(
        a_number(1, 60), "the same when it is asked to give money back", default=None
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
        known_within=timedelta(minutes=read.known_minutes),
        breaker=BreakerPolicy(
            failures=read.failures_to_rest,
            within=timedelta(seconds=read.failure_seconds),
            open_for=timedelta(seconds=read.rest_seconds),
            open_seconds=read.open_seconds,
            query_seconds=read.query_seconds,
            refund_seconds=read.refund_seconds,
        ),
    )
