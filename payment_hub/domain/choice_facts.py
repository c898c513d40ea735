"""All that a choice of a bank may know: plain values, which become JSON and come back the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from payment_hub.domain.bank_health import BankOperation, BankStates, HealthState
from payment_hub.domain.bank_profile import BankProfile
from payment_hub.domain.bank_terms import BankTerms
from payment_hub.domain.day import HUB_TIME
from payment_hub.domain.money import Money
from payment_hub.domain.working_days import is_working_day, settlement_day

#: The version of the rules in ``bank_choice`` and of the form of these facts: raised when either changes, so that a
#: stored choice is asked again only by the rules that made it.
RULES: Final = 1


@dataclass(frozen=True, slots=True)
class BankFacts:
    """One bank as it stood. Amounts in whole units of the order's currency, moments and days as ISO text."""

    bank: str
    ways: tuple[str, ...]
    agencies: tuple[str, ...] | None
    kinds: tuple[str, ...] | None
    smallest: int
    largest: int
    needs_seconds: int
    """A deadline nearer than this is too near."""
    fee: int
    borne_by: str
    settles_on: str
    closed_until: str | None = None
    """Its cut-off has passed and it opens nothing more on this day; the moment when it does again."""
    away_until: str | None = None
    """The end of an announced downtime."""
    health: str = HealthState.CLOSED
    resting_until: str | None = None
    """It did not answer lately, and nobody asks before."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An order, a moment, and every enabled bank in the order of the settings."""

    agency: str
    kind: str
    amount: int
    currency: str
    now: str
    seconds_left: int | None
    """Until the order's deadline; None where the rest may also come late."""
    banks: tuple[BankFacts, ...]
    preference: tuple[str, ...] = ()
    """The agency's own, the most wanted first."""
    wish: str | None = None
    """The bank that the payer named."""
    closed: bool = False
    """The order cannot be paid any more."""
    undecided: bool = False
    """An attempt is of unknown outcome."""
    resumed_at: str | None = None
    """The bank that may be asked again about that attempt: the same payment, not a second one."""
    known_by: str | None = None
    """When that outcome is promised."""
    rules: int = RULES

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return _plain(self) | {"banks": [_plain(each) for each in self.banks]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Facts:
        """The facts that ``as_json`` gave."""
        banks = tuple(BankFacts(**_tuples(each)) for each in given["banks"])
        return cls(**_tuples(given) | {"banks": banks})


def _plain(facts: Facts | BankFacts) -> dict[str, Any]:
    values = {name: getattr(facts, name) for name in facts.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


#: How many days of the calendar are looked at for when a bank opens again.
_LOOKED_AHEAD: Final = 30


def bank_facts(
    bank: str,
    profile: BankProfile,
    terms: BankTerms,
    states: BankStates,
    *,
    amount: Money,
    now: datetime,
    holidays: frozenset[date],
) -> BankFacts:
    """What is known of one bank at ``now``, for a payment of ``amount``."""
    limits, opening = profile.limits, BankOperation.OPEN
    health = states.of(bank, opening)
    resting = health.resting_until(terms.patience)
    settles = settlement_day(now, cut_off=terms.cut_off, days=terms.settlement_days, holidays=holidays)
    return BankFacts(
        bank=bank,
        ways=tuple(str(way) for way in profile.ways),
        agencies=terms.agencies,
        kinds=terms.kinds,
        smallest=max(limits.smallest.minor, terms.smallest or 0),
        largest=min(limits.largest.minor, limits.largest.minor if terms.largest is None else terms.largest),
        needs_seconds=int(max(limits.shortest, terms.before_expiry).total_seconds()),
        fee=terms.fee(amount).minor,
        borne_by=terms.borne_by,
        settles_on=settles.isoformat(),
        closed_until=_said(_closed_until(terms, now, holidays)),
        away_until=_said(states.away_until(bank, opening, now)),
        health=health.state,
        resting_until=_said(None if health.may_ask(now, terms.patience) else resting),
    )


def _closed_until(terms: BankTerms, now: datetime, holidays: frozenset[date]) -> datetime | None:
    here = now.astimezone(HUB_TIME)
    if not terms.closes_at_cut_off or (
        is_working_day(here.date(), holidays) and here.time() <= terms.cut_off
    ):
        return None
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=ahead) for ahead in range(1, _LOOKED_AHEAD)]
    return next((day for day in days if is_working_day(day.date(), holidays)), days[-1])


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def in_order_of(preference: Sequence[str], banks: Sequence[str]) -> list[str]:
    """The banks that are preferred, the most wanted first."""
    return [bank for bank in preference if bank in banks]
