"""What a person is shown of a discrepancy. The places in braces are filled in from the finding.

``{case}``, ``{day}``, ``{place}`` (the bank or the agency), ``{hub}`` and ``{other}`` (both amounts), ``{hub_items}``,
``{other_items}`` and ``{detail}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, the likely cause, who acts."""

    what: str
    cause: str
    who: str

    def filled_in(self, values: Mapping[str, object]) -> Explanation:
        """The same with the values of one finding."""
        return Explanation(*(text.format(**values) for text in (self.what, self.cause, self.who)))
