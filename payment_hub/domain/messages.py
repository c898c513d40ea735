"""A sentence that is said in several languages: the domain chooses it, and whoever shows it translates it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from payment_hub.domain.calendar import HUB_TIME


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence by its English text, which is also the key of its translations, and what fills its ``{places}``."""

    text: str
    places: Mapping[str, object] = field(default_factory=dict)
    more: Message | None = None
    """A sentence that follows."""

    def __str__(self) -> str:
        """The sentence in English."""
        return self.translated(str)

    def translated(self, translate: Callable[[str], str]) -> str:
        """The sentence as ``translate`` has its text. Moments are written in hub time."""
        places = {
            name: f"{value.astimezone(HUB_TIME):%H:%M %d/%m/%Y}" if isinstance(value, datetime) else value
            for name, value in self.places.items()
        }
        sentence = translate(self.text).format(**places)
        return f"{sentence} {self.more.translated(translate)}" if self.more else sentence
