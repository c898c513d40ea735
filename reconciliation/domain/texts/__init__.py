"""Each kind of discrepancy in plain words, in every language that officers and agencies read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.texts import en, vi
from reconciliation.domain.texts.explanation import Explanation

LANGUAGES: Final = ("vi", "en")

EXPLANATIONS: Final[Mapping[str, Mapping[DiscrepancyKind, Explanation]]] = {
    "vi": vi.EXPLANATIONS,
    "en": en.EXPLANATIONS,
}
