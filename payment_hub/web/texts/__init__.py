"""The words that citizens read: every visible string is in ``vi.json`` and ``en.json``, under the same keys.

``banks.json`` maps a BIN to a bank's short and full name. Amounts, days and moments are written here too,
because each language has its own form of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any, Final

from payment_hub.domain.calendar import HUB_TIME
from payment_hub.domain.money import VND, Money
from payment_hub.domain.obligations import RULES, Kind

DEFAULT: Final = "vi"
_HERE: Final = files(__name__)
_NO_BREAK: Final = "\u00a0"


def _catalogue(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_HERE / f"{name}.json").read_text("utf-8"))
    return content


BANKS: Final[Mapping[str, list[str]]] = _catalogue("banks")


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Called with a key it gives the text, with its ``{places}`` filled."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **places: object) -> str:
        """The text of ``key``. Raises KeyError for an unknown key, or a place that is not filled."""
        return self.texts[key].format(**places) if places else self.texts[key]

    @property
    def other(self) -> str:
        """The other language."""
        return "en" if self.language == DEFAULT else DEFAULT

    def money(self, money: Money) -> str:
        """An amount as people write it: ``1.250.000 ₫`` or ``VND 1,250,000``, never broken over two lines."""
        whole, _, part = str(money).partition(".")
        digits = f"{int(whole):,}".replace(",", self("money.group")) + (
            self("money.point") + part if part else ""
        )
        key = "money.format" if money.currency == VND else "money.other"
        return self(key, digits=digits, currency=money.currency).replace(" ", _NO_BREAK)

    def dong(self, minor: int, currency: str = VND) -> str:
        """A count of minor units, as people write an amount."""
        return self.money(Money(minor, currency))

    def day(self, day: date) -> str:
        """A business day."""
        return self("day.format", day=day.day, month=day.month, year=day.year)

    def moment(self, moment: datetime) -> str:
        """A moment in hub time, with its offset from UTC said."""
        here = moment.astimezone(HUB_TIME)
        clock = {"hour": here.hour, "minute": here.minute, "offset": here.tzname()}
        return self("time.format", day=here.day, month=here.month, year=here.year, **clock)

    def bank(self, code: str) -> str:
        """What a bank is called; one that has no entry is called by its code."""
        return self.texts.get(f"bank.{code}") or code.replace("_", " ").title()

    def bank_of_bin(self, bin_code: str) -> str:
        """The bank that has a BIN: short name and full name."""
        known = BANKS.get(bin_code)
        return " – ".join(known) if known else self("bank.unknown_bin", bin=bin_code)

    def kind(self, kind: str) -> str:
        """What a kind of obligation is called."""
        rules = RULES[Kind(kind)]
        return rules.title_vi if self.language == DEFAULT else rules.title_en

    def identifiers(self, kind: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
        """The identifying fields of an obligation with their titles, in the order of its kind's rules."""
        return [
            (
                known.title_vi if self.language == DEFAULT else known.title_en,
                self._value(known.name, given[known.name]),
            )
            for known in RULES[Kind(kind)].identifiers
            if known.name in given
        ]

    def _value(self, name: str, value: str) -> str:
        """A value as people read it: the ISO date of a field named ``*_on`` becomes a day."""
        try:
            return self.day(date.fromisoformat(value)) if name.endswith("_on") else value
        except ValueError:
            return value


LANGUAGES: Final[Mapping[str, Words]] = {name: Words(name, _catalogue(name)) for name in (DEFAULT, "en")}


def words_for(language: str | None) -> Words:
    """The words of ``vi`` or ``en``; Vietnamese unless English is asked for."""
    return LANGUAGES.get(language or DEFAULT, LANGUAGES[DEFAULT])
