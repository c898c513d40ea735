"""The form of a sentence: what, why probably, who acts, within how many days; in Vietnamese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, the likely cause, and who must do what."""

    what: str
    cause: str
    who: str

    def filled_in(self, values: Mapping[str, object]) -> dict[str, str]:
        """The three sentences with the values of one finding."""
        return {name: getattr(self, name).format(**values) for name in ("what", "cause", "who")}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A kind in both languages, and how many days its work may take."""

    days: int
    vi: Words
    en: Words
