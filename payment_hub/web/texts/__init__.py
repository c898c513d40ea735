"""What people read, one file a language: ``vi.po``, ``en.po``. Another language is another file.

Texts of pages have a key and the context "page", and stand in every file. Everything else (titles of problems, why a
bank was chosen, what a kind of obligation is called) is written in English where it is decided, and that English text
is its key. ``banks.json`` maps a BIN to a bank's short and full name. Amounts, days and moments take the form that the
file's patterns (``money.format``, ``day.format``, ``time.format``) give them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.resources import files
from typing import Any, Final

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency

from payment_hub.domain.calendar import HUB_TIME
from payment_hub.domain.messages import Message
from payment_hub.domain.money import VND, Money
from payment_hub.domain.obligations import RULES, Kind
from payment_hub.domain.wire import form_of

DEFAULT: Final = "vi"
PAGE: Final = "page"
_HERE: Final = files(__name__)
_NO_BREAK: Final = "\u00a0"

#: By BIN, a bank's short and full name.
BANKS: Final[Mapping[str, list[str]]] = json.loads((_HERE / "banks.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Texts:
    """One language. Called with a key it gives a page's text, with its ``{places}`` filled."""

    language: str
    texts: Mapping[str, str]
    """Of pages, by key."""
    translations: Mapping[str, str] = field(default_factory=dict)
    """Of everything else, by its English text."""

    def __call__(self, key: str, **places: object) -> str:
        """The text of ``key``. Raises KeyError for an unknown key, or a place that is not filled."""
        return self.texts[key].format(**places) if places else self.texts[key]

    @property
    def others(self) -> list[Texts]:
        """The other languages."""
        return [texts for name, texts in LANGUAGES.items() if name != self.language]

    def translate(self, text: str) -> str:
        """An English text in this language, or as it is if nobody has translated it."""
        return self.translations.get(text, text)

    def message(self, message: Message) -> str:
        """A sentence that the domain has chosen."""
        return message.translated(self.translate)

    def money(self, money: Money) -> str:
        """An amount as people write it: ``1.250.000 ₫`` or ``VND 1,250,000``, never broken over two lines."""
        pattern = self("money.format" if money.currency == VND else "money.other")
        text = format_currency(str(money), money.currency, pattern, locale=self.language)
        return text.replace(" ", _NO_BREAK)

    def dong(self, minor: int, currency: str = VND) -> str:
        """A count of minor units, as people write an amount."""
        return self.money(Money(minor, currency))

    def day(self, day: date) -> str:
        """A business day."""
        return format_date(day, self("day.format"), locale=self.language)

    def moment(self, moment: datetime, form: str = "time.format") -> str:
        """A moment in hub time, by the pattern of ``form``."""
        return format_datetime(moment.astimezone(HUB_TIME), self(form), tzinfo=HUB_TIME, locale=self.language)

    def bank(self, code: str) -> str:
        """What a bank is called; one that has no entry is called by its code."""
        return self.texts.get(f"bank.{code}") or code.replace("_", " ").title()

    def bank_of_bin(self, bin_code: str) -> str:
        """The bank that has a BIN: short name and full name."""
        names = BANKS.get(bin_code)
        return " – ".join(names) if names else self("bank.unknown_bin", bin=bin_code)

    def kind(self, kind: str) -> str:
        """What a kind of obligation is called."""
        return self.translate(RULES[Kind(kind)].title)

    def identifiers(self, kind: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
        """The identifying fields of an obligation with their titles, in the order of its kind's rules."""
        return [
            (self.translate(identifier.title), self._value(identifier.name, given[identifier.name]))
            for identifier in RULES[Kind(kind)].identifiers
            if identifier.name in given
        ]

    def _value(self, name: str, value: str) -> str:
        """A value as people read it: the ISO date of a field named ``*_on`` becomes a day."""
        try:
            return self.day(date.fromisoformat(value)) if name.endswith("_on") else value
        except ValueError:
            return value


def texts_for(language: str | None) -> Texts:
    """The texts of a language; of Vietnamese unless it is one of ours."""
    return LANGUAGES.get(language or DEFAULT, LANGUAGES[DEFAULT])


def _read(language: str) -> Texts:
    texts: dict[str, str] = {}
    translations: dict[str, str] = {}
    with (_HERE / f"{language}.po").open("rb") as file:
        for entry in read_po(file, locale=language):
            if entry.id:
                (texts if entry.context == PAGE else translations)[str(entry.id)] = str(entry.string)
    return Texts(language, texts, translations)


_NAMES: Final = sorted(file.name.removesuffix(".po") for file in _HERE.iterdir() if file.name.endswith(".po"))
#: Vietnamese first.
LANGUAGES: Final[Mapping[str, Texts]] = {
    name: _read(name) for name in sorted(_NAMES, key=lambda name: name != DEFAULT)
}


@form_of.register
def _in_every_language(message: Message) -> dict[str, Any]:
    return {language: texts.message(message) for language, texts in LANGUAGES.items()}
