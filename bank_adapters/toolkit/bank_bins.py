"""The banks to which a transfer can go, by BIN: the only key that everybody shares.

Fifty-six stand in the State Bank's letter 1589/NHNN-TT (list to 31/12/2023); ten more are used by banking apps. Short
codes are no key: BVB is one bank in one list and another one in the next. What the banks are
called is the page's business.
"""

from __future__ import annotations

from typing import Final

# fmt: off
BINS: Final = frozenset((
    "422589", "458761", "546034", "546035", "668888", "796500", "801011", "963369", "963388", "970400", "970403",
    "970405", "970406", "970407", "970408", "970409", "970410", "970412", "970414", "970415", "970416", "970418",
    "970419", "970421", "970422", "970423", "970424", "970425", "970426", "970427", "970428", "970429", "970430",
    "970431", "970432", "970433", "970434", "970436", "970437", "970438", "970439", "970440", "970441", "970442",
    "970443", "970444", "970446", "970448", "970449", "970452", "970454", "970455", "970456", "970457", "970458",
    "970459", "970460", "970462", "970463", "970464", "970465", "970466", "970467", "970468", "970470", "971025",
))
# fmt: on


def a_bin(text: str) -> str:
    """Read a setting: the BIN of a bank that can be paid to. Raises ValueError."""
    if text not in BINS:
        raise ValueError("must be the six-digit BIN of a Vietnamese bank")
    return text
