"""Money: a whole number of minor units and a currency. The only place that parses, adds, compares or splits it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from payment_hub.domain.errors import CurrencyMismatch, MalformedAmount

VND: Final = "VND"

#: ISO 4217 minor digits. The dong has none in use, so its minor unit is the dong itself.
DECIMAL_PLACES: Final = {VND: 0, "USD": 2, "EUR": 2, "JPY": 0}

#: The largest amount of an order, in minor units: 10^12 dong is far above any fee or fine and fits QR tag 54.
MAX_MINOR: Final = 10**12

_PLAIN: Final = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: ``minor`` units (whole dong for VND) of ``currency`` (ISO 4217, upper case)."""

    minor: int
    currency: str = VND

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MalformedAmount(f"minor units must be a whole number, not {type(self.minor).__name__}")
        if self.currency not in DECIMAL_PLACES:
            raise MalformedAmount(f"unknown currency {self.currency[:8]!r}")

    def __bool__(self) -> bool:
        raise TypeError("compare money with money; zero is not the same as nothing")

    @classmethod
    def parse(cls, text: str, currency: str = VND) -> Money:
        """Read a plain decimal with exactly the currency's places (``"150000"``), and nothing else.

        Raises MalformedAmount for signs, separators, exponents, spaces, non-ASCII digits and leading zeros.
        """
        places = DECIMAL_PLACES.get(currency)
        if places is None:
            raise MalformedAmount(f"unknown currency {currency[:8]!r}")
        match = _PLAIN.fullmatch(text)
        if match is None or len(match[2] or "") != places:
            raise MalformedAmount(f"{text[:40]!r} is not a plain amount in {currency}")
        return cls(int(match[1] + (match[2] or "")), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __str__(self) -> str:
        places = DECIMAL_PLACES[self.currency]
        if places == 0:
            return str(self.minor)
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}"

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Share by ``weights`` so that nothing is lost: largest remainders get the last units, earlier ones first.

        Raises ValueError for a negative weight or when all weights are zero.
        """
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        shares = [self.minor * weight // whole for weight in weights]
        remainders = [self.minor * weight % whole for weight in weights]
        neediest = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
        for i in neediest[: self.minor - sum(shares)]:
            shares[i] += 1
        return [Money(share, self.currency) for share in shares]

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} is not {other.currency}")
        return other.minor


def dong(amount: int) -> Money:
    """``amount`` whole dong."""
    return Money(amount, VND)
