"""Which banks an order can be paid through now, and which of them is chosen: ordered rules over facts.

Both questions are pure: the facts of a choice are stored with it, and asked again they give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from payment_hub.domain.bank_health import HealthState
from payment_hub.domain.bank_terms import Bearer
from payment_hub.domain.choice_facts import BankFacts, Facts, in_order_of


class Reason(StrEnum):
    """Why a bank is not offered."""

    ORDER_CLOSED = "ORDER_CLOSED"
    UNDER_WAY = "UNDER_WAY"
    """The outcome of an attempt is unknown: the payer must not pay twice."""
    CONTRACT = "CONTRACT"
    KIND = "KIND"
    TOO_SMALL = "TOO_SMALL"
    TOO_LARGE = "TOO_LARGE"
    MAINTENANCE = "MAINTENANCE"
    HEALTH = "HEALTH"
    CUT_OFF = "CUT_OFF"
    EXPIRY_NEAR = "EXPIRY_NEAR"


class Rule(StrEnum):
    """What decided between the banks that are offered. The order is that in which they are asked."""

    PAYERS_WISH = "PAYERS_WISH"
    ONLY_ONE = "ONLY_ONE"
    AGENCYS_PREFERENCE = "AGENCYS_PREFERENCE"
    BEST_HEALTH = "BEST_HEALTH"
    CHEAPEST_FOR_PAYER = "CHEAPEST_FOR_PAYER"
    CHEAPEST = "CHEAPEST"
    SETTLES_FIRST = "SETTLES_FIRST"
    FIRST_NAMED = "FIRST_NAMED"
    """Nothing tells them apart: the first in the settings."""
    NONE_OFFERED = "NONE_OFFERED"


@dataclass(frozen=True, slots=True)
class Option:
    """One bank, offered or not."""

    facts: BankFacts
    reason: Reason | None
    until: datetime | None = None
    """When the reason ends, where that is known."""

    @property
    def bank(self) -> str:
        """The bank's name."""
        return self.facts.bank

    @property
    def offered(self) -> bool:
        """Whether it can be chosen now."""
        return self.reason is None

    @property
    def payer_fee(self) -> int:
        """What the payer pays beside the amount."""
        return self.facts.fee if self.facts.borne_by == Bearer.PAYER else 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The bank, by which rule, and out of how many. Without a bank: why the one that was wished is not offered."""

    bank: str | None
    rule: Rule
    offered: int
    reason: Reason | None = None
    until: datetime | None = None


#: What forbids a bank, in this order; the first that holds is the reason.
REASONS: Final[Sequence[tuple[Reason, Callable[[Facts, BankFacts], bool]]]] = (
    (Reason.ORDER_CLOSED, lambda order, _: order.closed),
    (Reason.UNDER_WAY, lambda order, bank: order.undecided and order.resumed_at != bank.bank),
    (Reason.CONTRACT, lambda order, bank: bank.agencies is not None and order.agency not in bank.agencies),
    (Reason.KIND, lambda order, bank: bank.kinds is not None and order.kind not in bank.kinds),
    (Reason.TOO_SMALL, lambda order, bank: order.amount < bank.smallest),
    (Reason.TOO_LARGE, lambda order, bank: order.amount > bank.largest),
    (Reason.MAINTENANCE, lambda _, bank: bank.away_until is not None),
    (Reason.HEALTH, lambda _, bank: bank.resting_until is not None),
    (Reason.CUT_OFF, lambda _, bank: bank.closed_until is not None),
    (
        Reason.EXPIRY_NEAR,
        lambda order, bank: order.seconds_left is not None and order.seconds_left < bank.needs_seconds,
    ),
)


def options(facts: Facts) -> tuple[Option, ...]:
    """Every bank, offered or not, in the order of the settings."""
    return tuple(_option(facts, bank) for bank in facts.banks)


def choose_bank(facts: Facts) -> Choice:
    """The bank for this payment. A bank that the payer named is taken or refused, never replaced by another."""
    known = options(facts)
    offered = [option for option in known if option.offered]
    if facts.wish is not None:
        return _wished(facts.wish, known, len(offered))
    if not offered:
        return Choice(None, Rule.NONE_OFFERED, 0)
    rule, bank = _decided(facts, offered)
    return Choice(bank, rule, len(offered))


def _option(facts: Facts, bank: BankFacts) -> Option:
    for reason, holds in REASONS:
        if holds(facts, bank):
            return Option(bank, reason, _until(facts, bank, reason))
    return Option(bank, None)


def _until(facts: Facts, bank: BankFacts, reason: Reason) -> datetime | None:
    told = {
        Reason.UNDER_WAY: facts.known_by,
        Reason.MAINTENANCE: bank.away_until,
        Reason.HEALTH: bank.resting_until,
        Reason.CUT_OFF: bank.closed_until,
    }.get(reason)
    return None if told is None else datetime.fromisoformat(told)


def _wished(wish: str, known: Sequence[Option], offered: int) -> Choice:
    option = next((option for option in known if option.bank == wish), None)
    if option is None:
        return Choice(None, Rule.PAYERS_WISH, offered)
    bank = option.bank if option.offered else None
    return Choice(bank, Rule.PAYERS_WISH, offered, option.reason, option.until)


def _decided(facts: Facts, left: list[Option]) -> tuple[Rule, str]:
    """The rule that leaves one bank, and that bank. The last rule always does."""
    for rule, narrow in _RULES:
        left = narrow(facts, left)
        if len(left) == 1:
            return rule, left[0].bank
    raise ValueError("no bank is offered")


def _preferred(facts: Facts, left: list[Option]) -> list[Option]:
    wanted = in_order_of(facts.preference, [option.bank for option in left])
    return [option for option in left if option.bank == wanted[0]] if wanted else left


def _least(measure: Callable[[Option], int | str]) -> Callable[[Facts, list[Option]], list[Option]]:
    """Leave only those by which ``measure`` is the smallest."""

    def narrow(_: Facts, left: list[Option]) -> list[Option]:
        measured = [measure(option) for option in left]
        best = min(measured)
        return [option for option, found in zip(left, measured, strict=True) if found == best]

    return narrow


#: Each leaves fewer of the banks that are offered; the rule that leaves one has decided.
_RULES: Final[Sequence[tuple[Rule, Callable[[Facts, list[Option]], list[Option]]]]] = (
    (Rule.ONLY_ONE, lambda _, left: left),
    (Rule.AGENCYS_PREFERENCE, _preferred),
    (Rule.BEST_HEALTH, _least(lambda option: int(option.facts.health != HealthState.CLOSED))),
    (Rule.CHEAPEST_FOR_PAYER, _least(lambda option: option.payer_fee)),
    (Rule.CHEAPEST, _least(lambda option: option.facts.fee)),
    (Rule.SETTLES_FIRST, _least(lambda option: option.facts.settles_on)),
    (Rule.FIRST_NAMED, lambda _, left: left[:1]),
)
