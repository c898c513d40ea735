"""What the sandbox bank does with a payment: the last three digits of the amount in dong choose it.

This table is the published one (``docs/open-protocol.md`` shows it); every other ending is simply paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Told:
    """One callback: what it says, and how it goes wrong."""

    status: str = "PAID"
    more: int = 0
    """Dong that this message says above (or below) what was paid."""
    late: int = 0
    """How many times the configured delay passes before it is sent."""
    forged_first: bool = False
    """The first delivery carries a wrong signature."""
    sent: int = 1
    """How many times the same message is sent, although it was answered."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What becomes of a payment at the bank, what the hub is told, and what the statement shows."""

    name: str
    meaning: str
    moves: int | None = 0
    """Dong that arrive above (or below) what was asked; None when no money moves."""
    told: tuple[Told, ...] = (Told(),)
    statement: tuple[int, ...] = (0,)
    """A line for each entry, so much above (or below) what arrived."""
    slow_to_open: bool = False
    last_word: str | None = None
    """What a query says, where that is not simply paid or declined."""


PAID: Final = Behaviour("paid", "paid, callback at once")
DECLINED: Final = Behaviour(
    "declined", "declined, callback at once", moves=None, told=(Told("DECLINED"),), statement=()
)

OUTCOMES_BY_AMOUNT: Final = {
    "000": PAID,
    "001": DECLINED,
    "002": Behaviour("delayed", "paid, callback after the delay", told=(Told(late=1),)),
    "003": Behaviour("repeated", "paid, the same message sent three times", told=(Told(sent=3),)),
    "004": Behaviour("repeated-as-new", "paid, two callbacks with two message ids", told=(Told(), Told())),
    "005": Behaviour("callback-lost", "paid, no callback: only query and statement show it", told=()),
    "006": Behaviour("underpaid", "1,000 dong less arrive", moves=-1000),
    "007": Behaviour("overpaid", "1,000 dong more arrive", moves=1000),
    "008": Behaviour(
        "forged-first",
        "paid, first callback with a wrong signature, then a right one",
        told=(Told(forged_first=True),),
    ),
    "009": Behaviour(
        "declined-then-paid",
        "callback declined, after the delay callback paid",
        told=(Told("DECLINED"), Told(late=1)),
    ),
    "010": Behaviour(
        "paid-then-declined",
        "callback paid, after the delay callback declined",
        told=(Told(), Told("DECLINED", late=1)),
    ),
    "011": Behaviour(
        "conflicting-amount",
        "paid, after the delay a callback with the same transaction id and 1,000 dong more",
        told=(Told(), Told(more=1000, late=1)),
    ),
    "012": Behaviour(
        "slow-to-open", "opened, but the answer comes too late; can be paid all the same", slow_to_open=True
    ),
    "013": Behaviour("not-in-statement", "paid, callback, but not in the statement", statement=()),
    "014": Behaviour(
        "other-in-statement", "paid, callback, the statement shows 1,000 dong less", statement=(-1000,)
    ),
    "015": Behaviour("twice-in-statement", "paid, callback, twice in the statement", statement=(0, 0)),
    "016": Behaviour(
        "unheard-of-word",
        "callback with an unknown status, and nothing more; no money moves",
        moves=None,
        told=(Told("UNDER_REVIEW"),),
        statement=(),
        last_word="UNDER_REVIEW",
    ),
}

BEHAVIOURS: Final = {behaviour.name: behaviour for behaviour in OUTCOMES_BY_AMOUNT.values()}


def behaviour_of(amount: int) -> Behaviour:
    """What the table says of ``amount`` dong."""
    return OUTCOMES_BY_AMOUNT.get(f"{amount:03d}"[-3:], PAID)


def as_markdown() -> str:
    """The table as it stands in the documentation."""
    rows = [f"| `...{ending}` | `{one.name}` | {one.meaning} |" for ending, one in OUTCOMES_BY_AMOUNT.items()]
    return "\n".join(["| amount ends in | outcome | what happens |", "| --- | --- | --- |", *rows])
