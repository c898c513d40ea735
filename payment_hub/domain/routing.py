"""Routing: which banks can take a payment now, which one is chosen, and the sentence that explains it.

Ordered rules over facts, both pure: the facts of a choice are stored with it as JSON, and give the same choice again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from payment_hub.domain.banks.health import BankOperation, BankStates, HealthState
from payment_hub.domain.banks.profile import BankProfile, BankTerms, Bearer, PaymentMethod
from payment_hub.domain.calendar import HUB_TIME, is_working_day, settlement_day
from payment_hub.domain.messages import Message
from payment_hub.domain.money import Money
from payment_hub.domain.wire import Shown

#: The version of the rules in ``bank_choice`` and of the form of these facts: raised when either changes, so that a
#: stored choice is repeated only by the rules that made it.
RULES: Final = 1


@dataclass(frozen=True, slots=True)
class BankFacts:
    """The facts of one bank. Amounts in whole units of the order's currency, moments and days as ISO text."""

    bank: str
    methods: tuple[str, ...]
    agencies: tuple[str, ...] | None
    kinds: tuple[str, ...] | None
    smallest: int
    largest: int
    needs_seconds: int
    """The least time until the deadline, in seconds."""
    fee: int
    borne_by: str
    settles_on: str
    closed_until: str | None = None
    """When it opens payments again, after the day's cut-off."""
    downtime_until: str | None = None
    """The end of an announced downtime."""
    health: str = HealthState.CLOSED
    open_until: str | None = None
    """Until when its circuit is open, because it did not answer."""


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """The facts of an order at a moment, and of every enabled bank in the order of the settings."""

    agency: str
    kind: str
    amount: int
    currency: str
    now: str
    seconds_left: int | None
    """Until the order's deadline; None where the rest may also be paid late."""
    banks: tuple[BankFacts, ...]
    preference: tuple[str, ...] = ()
    """The agency's preferred banks, the most preferred first."""
    requested_bank: str | None = None
    """The bank that the payer named."""
    closed: bool = False
    """The order cannot be paid any more."""
    undecided: bool = False
    """An attempt is of unknown outcome."""
    resumed_at: str | None = None
    """The bank that may get that attempt's request again: the same payment, not a second one."""
    expected_by: str | None = None
    """When that outcome is expected."""
    rules: int = RULES

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return _plain(self) | {"banks": [_plain(bank) for bank in self.banks]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RoutingFacts:
        """The facts that ``as_json`` gave."""
        banks = tuple(BankFacts(**_tuples(bank)) for bank in stored["banks"])
        return cls(**_tuples(stored) | {"banks": banks})


def _plain(facts: RoutingFacts | BankFacts) -> dict[str, Any]:
    values = {name: getattr(facts, name) for name in facts.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}


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
    """The facts of one bank at ``now``, for a payment of ``amount``."""
    limits, opening = profile.limits, BankOperation.OPEN
    health = states.of(bank, opening)
    settles = settlement_day(now, cut_off=terms.cut_off, days=terms.settlement_days, holidays=holidays)
    return BankFacts(
        bank=bank,
        methods=tuple(str(method) for method in profile.methods),
        agencies=terms.agencies,
        kinds=terms.kinds,
        smallest=max(limits.smallest.minor, terms.smallest or 0),
        largest=min(limits.largest.minor, limits.largest.minor if terms.largest is None else terms.largest),
        needs_seconds=int(max(limits.shortest, terms.before_expiry).total_seconds()),
        fee=terms.fee(amount).minor,
        borne_by=terms.borne_by,
        settles_on=settles.isoformat(),
        closed_until=_iso(_closed_until(terms, now, holidays)),
        downtime_until=_iso(states.downtime_until(bank, opening, now)),
        health=health.state,
        open_until=_iso(None if health.may_call(now, terms.breaker) else health.open_until(terms.breaker)),
    )


def _closed_until(terms: BankTerms, now: datetime, holidays: frozenset[date]) -> datetime | None:
    local = now.astimezone(HUB_TIME)
    if not terms.closes_at_cut_off or (
        is_working_day(local.date(), holidays) and local.time() <= terms.cut_off
    ):
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=ahead) for ahead in range(1, _LOOKED_AHEAD)]
    return next((day for day in days if is_working_day(day.date(), holidays)), days[-1])


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def in_order_of(preference: Sequence[str], banks: Sequence[str]) -> list[str]:
    """The preferred ones of these banks, the most preferred first."""
    return [bank for bank in preference if bank in banks]


class OptionReason(StrEnum):
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
    """The rule that decided between the offered banks, in the order in which the rules are applied."""

    REQUESTED = "REQUESTED"
    ONLY_ONE = "ONLY_ONE"
    AGENCYS_PREFERENCE = "AGENCYS_PREFERENCE"
    BEST_HEALTH = "BEST_HEALTH"
    CHEAPEST_FOR_PAYER = "CHEAPEST_FOR_PAYER"
    CHEAPEST = "CHEAPEST"
    SETTLES_FIRST = "SETTLES_FIRST"
    FIRST_NAMED = "FIRST_NAMED"
    """The banks are equal: the first in the settings."""
    NONE_OFFERED = "NONE_OFFERED"


@dataclass(frozen=True, slots=True)
class Option:
    """One bank, offered or not."""

    facts: BankFacts
    reason: OptionReason | None
    until: datetime | None = None
    """When the reason ends, if that is certain."""

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
        """The fee that the payer pays beside the amount."""
        return self.facts.fee if self.facts.borne_by == Bearer.PAYER else 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The bank, by which rule, and out of how many. Without a bank: why the requested one is not offered."""

    bank: str | None
    rule: Rule
    offered: int
    reason: OptionReason | None = None
    until: datetime | None = None


#: The reasons against a bank, in this order; the first that applies is shown.
REASONS: Final[Sequence[tuple[OptionReason, Callable[[RoutingFacts, BankFacts], bool]]]] = (
    (OptionReason.ORDER_CLOSED, lambda order, _: order.closed),
    (OptionReason.UNDER_WAY, lambda order, bank: order.undecided and order.resumed_at != bank.bank),
    (
        OptionReason.CONTRACT,
        lambda order, bank: bank.agencies is not None and order.agency not in bank.agencies,
    ),
    (OptionReason.KIND, lambda order, bank: bank.kinds is not None and order.kind not in bank.kinds),
    (OptionReason.TOO_SMALL, lambda order, bank: order.amount < bank.smallest),
    (OptionReason.TOO_LARGE, lambda order, bank: order.amount > bank.largest),
    (OptionReason.MAINTENANCE, lambda _, bank: bank.downtime_until is not None),
    (OptionReason.HEALTH, lambda _, bank: bank.open_until is not None),
    (OptionReason.CUT_OFF, lambda _, bank: bank.closed_until is not None),
    (
        OptionReason.EXPIRY_NEAR,
        lambda order, bank: order.seconds_left is not None and order.seconds_left < bank.needs_seconds,
    ),
)


def options(facts: RoutingFacts) -> tuple[Option, ...]:
    """Every bank, offered or not, in the order of the settings."""
    return tuple(_option(facts, bank) for bank in facts.banks)


def choose_bank(facts: RoutingFacts) -> Choice:
    """The bank for this payment. A bank that the payer named is chosen or refused, never replaced by another."""
    all_options = options(facts)
    offered = [option for option in all_options if option.offered]
    if facts.requested_bank is not None:
        return _requested(facts.requested_bank, all_options, len(offered))
    if not offered:
        return Choice(None, Rule.NONE_OFFERED, 0)
    rule, bank = _decided(facts, offered)
    return Choice(bank, rule, len(offered))


def _option(facts: RoutingFacts, bank: BankFacts) -> Option:
    for reason, applies in REASONS:
        if applies(facts, bank):
            return Option(bank, reason, _until(facts, bank, reason))
    return Option(bank, None)


def _until(facts: RoutingFacts, bank: BankFacts, reason: OptionReason) -> datetime | None:
    until = {
        OptionReason.UNDER_WAY: facts.expected_by,
        OptionReason.MAINTENANCE: bank.downtime_until,
        OptionReason.HEALTH: bank.open_until,
        OptionReason.CUT_OFF: bank.closed_until,
    }.get(reason)
    return None if until is None else datetime.fromisoformat(until)


def _requested(requested_bank: str, all_options: Sequence[Option], offered: int) -> Choice:
    option = next((option for option in all_options if option.bank == requested_bank), None)
    if option is None:
        return Choice(None, Rule.REQUESTED, offered)
    bank = option.bank if option.offered else None
    return Choice(bank, Rule.REQUESTED, offered, option.reason, option.until)


def _decided(facts: RoutingFacts, remaining: list[Option]) -> tuple[Rule, str]:
    """The rule that leaves one bank, and that bank. The last rule always does."""
    for rule, narrow in _RULES:
        remaining = narrow(facts, remaining)
        if len(remaining) == 1:
            return rule, remaining[0].bank
    raise ValueError("no bank is offered")


def _preferred(facts: RoutingFacts, remaining: list[Option]) -> list[Option]:
    preferred = in_order_of(facts.preference, [option.bank for option in remaining])
    return [option for option in remaining if option.bank == preferred[0]] if preferred else remaining


def _least(measure: Callable[[Option], int | str]) -> Callable[[RoutingFacts, list[Option]], list[Option]]:
    """Leave only the options whose ``measure`` is the smallest."""

    def narrow(_: RoutingFacts, remaining: list[Option]) -> list[Option]:
        best = min(measure(option) for option in remaining)
        return [option for option in remaining if measure(option) == best]

    return narrow


#: Each rule leaves fewer of the offered banks; the rule that leaves one decides.
_RULES: Final[Sequence[tuple[Rule, Callable[[RoutingFacts, list[Option]], list[Option]]]]] = (
    (Rule.ONLY_ONE, lambda _, remaining: remaining),
    (Rule.AGENCYS_PREFERENCE, _preferred),
    (Rule.BEST_HEALTH, _least(lambda option: int(option.facts.health != HealthState.CLOSED))),
    (Rule.CHEAPEST_FOR_PAYER, _least(lambda option: option.payer_fee)),
    (Rule.CHEAPEST, _least(lambda option: option.facts.fee)),
    (Rule.SETTLES_FIRST, _least(lambda option: option.facts.settles_on)),
    (Rule.FIRST_NAMED, lambda _, remaining: remaining[:1]),
)


_CHOSEN: Final[Mapping[Rule, str]] = {
    Rule.REQUESTED: "{bank} was chosen because the payer named it.",
    Rule.ONLY_ONE: "{bank} was chosen because no other bank could take this payment at that moment.",
    Rule.AGENCYS_PREFERENCE: "Of {offered} banks {bank} was chosen because the agency prefers it.",
    Rule.BEST_HEALTH: "Of {offered} banks {bank} was chosen because it answers reliably.",
    Rule.CHEAPEST_FOR_PAYER: "Of {offered} banks {bank} was chosen because it costs the payer least.",
    Rule.CHEAPEST: "Of {offered} banks {bank} was chosen because its fee is the lowest.",
    Rule.SETTLES_FIRST: "Of {offered} banks {bank} was chosen because it hands the money over first.",
    Rule.FIRST_NAMED: "Of {offered} equal banks {bank} was chosen because it stands first in the list.",
    Rule.NONE_OFFERED: "No bank can take this payment now.",
}

_NOT_OFFERED: Final[Mapping[OptionReason, str]] = {
    OptionReason.ORDER_CLOSED: "The payment order can no longer be paid.",
    OptionReason.UNDER_WAY: "It is not known yet what became of an earlier payment.",
    OptionReason.CONTRACT: "The bank does not collect for this agency.",
    OptionReason.KIND: "The bank does not take this kind of payment.",
    OptionReason.TOO_SMALL: "The amount is smaller than the bank accepts.",
    OptionReason.TOO_LARGE: "The amount is larger than the bank accepts.",
    OptionReason.MAINTENANCE: "The bank has announced maintenance.",
    OptionReason.HEALTH: "The bank does not answer at the moment.",
    OptionReason.CUT_OFF: "The bank takes no more payments on this day.",
    OptionReason.EXPIRY_NEAR: "The deadline is too near for this bank.",
}

_NO_SUCH_BANK: Final = "There is no such bank."
_UNTIL: Final = "Until {moment}."


def explained(choice: Choice) -> Message:
    """Why this bank, or why none, in one sentence."""
    if choice.bank is not None:
        return Message(_CHOSEN[choice.rule], {"bank": choice.bank, "offered": choice.offered})
    if choice.reason is not None:
        return not_offered(choice.reason, choice.until)
    return Message(_CHOSEN[choice.rule] if choice.rule is Rule.NONE_OFFERED else _NO_SUCH_BANK)


def not_offered(reason: OptionReason, until: datetime | None) -> Message:
    """Why a bank is not offered, and until when if that is known."""
    return Message(_NOT_OFFERED[reason], more=None if until is None else Message(_UNTIL, {"moment": until}))


@dataclass(frozen=True, slots=True)
class OptionView:
    """One bank, offered or not."""

    bank: str
    offered: bool
    reason: OptionReason | None
    until: datetime | None
    why: Message | None
    fee: Money
    fee_borne_by: Bearer
    settles_on: Annotated[date, Shown(description="When the money is handed over if it is paid now")]
    methods: tuple[PaymentMethod, ...]


@dataclass(frozen=True, slots=True)
class OptionsView:
    """Every enabled bank for one order at one moment, and the one that is chosen if none is named."""

    order_reference: Annotated[str, Shown("order")]
    amount: Money
    as_of: datetime
    chosen: str | None
    rule: Rule
    why: Message
    items: tuple[OptionView, ...]


def options_view(order_reference: str, facts: RoutingFacts) -> OptionsView:
    """The banks for one order as ``facts`` have them."""
    choice = choose_bank(facts)
    return OptionsView(
        order_reference=order_reference,
        amount=Money(facts.amount, facts.currency),
        as_of=datetime.fromisoformat(facts.now),
        chosen=choice.bank,
        rule=choice.rule,
        why=explained(choice),
        items=tuple(_option_view(option, facts.currency) for option in options(facts)),
    )


def _option_view(option: Option, currency: str) -> OptionView:
    facts, reason, until = option.facts, option.reason, option.until
    return OptionView(
        bank=option.bank,
        offered=option.offered,
        reason=reason,
        until=until,
        why=not_offered(reason, until) if reason else None,
        fee=Money(facts.fee, currency),
        fee_borne_by=Bearer(facts.borne_by),
        settles_on=date.fromisoformat(facts.settles_on),
        methods=tuple(PaymentMethod(method) for method in facts.methods),
    )
