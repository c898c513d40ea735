"""Each kind of discrepancy in plain words.

``{case}``, ``{day}``, ``{place}``, ``{hub}``, ``{other}``, ``{hub_items}``, ``{other_items}`` and ``{detail}`` are
filled in from the finding; a test fills in every sentence of every kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.sentences import agency, bank, money
from reconciliation.domain.sentences.form import Sentence

SENTENCES: Final[Mapping[DiscrepancyKind, Sentence]] = bank.SENTENCES | agency.SENTENCES | money.SENTENCES
