"""Runs: one numbered comparison of two books (a scope) for one day, and the key that tells a repeated run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.errors import Malformed
from payment_hub.domain.lifecycle import Lifecycle


class Side(StrEnum):
    """Whose books stand opposite the hub's."""

    BANK = "bank"
    """The statement of one bank."""
    AGENCY = "agency"
    """The ledger of one agency."""
    MONEY = "money"
    """The hub's own ledger: money in suspense or overpaid."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One pair of books: ``bank:vnpay``, ``agency:G22``, or ``money:left-open``."""

    side: Side
    code: str

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read the written form. Raises Malformed."""
        side, colon, code = text.partition(":")
        if not colon or not code or side not in set(Side) or (side == Side.MONEY and text != str(MONEY)):
            raise Malformed(f"{text[:40]!a} is not bank:<code>, agency:<code> or {MONEY}")
        return cls(Side(side), code)

    def __str__(self) -> str:
        return f"{self.side}:{self.code}"


#: Money in suspense, overpaid or held, for all agencies and banks together.
MONEY = Scope(Side.MONEY, "left-open")


def bank_scope(bank: str) -> Scope:
    """The hub against one bank."""
    return Scope(Side.BANK, bank)


def agency_scope(code: str) -> Scope:
    """The hub against one agency."""
    return Scope(Side.AGENCY, code)


#: Raised whenever ``rules.py`` changes, so that old results keep their meaning.
RULE_VERSION: Final = "3"

#: Raised whenever the SQL that applies the rules changes what it finds.
ENGINE_VERSION: Final = "sql-3"

#: How long a run may take before another one may take its place.
LEASE: Final = timedelta(minutes=30)


class RunState(StrEnum):
    """The state of a run."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    COMMITTED = "COMMITTED"
    REPEATED = "REPEATED"
    """Nothing has changed since an earlier run, whose result stands."""
    FAILED = "FAILED"


class RunEvent(StrEnum):
    """What happens to a run."""

    STARTED = "STARTED"
    COMMITTED = "COMMITTED"
    UNCHANGED = "UNCHANGED"
    FAILED = "FAILED"
    LEASE_EXPIRED = "LEASE_EXPIRED"


#: Every legal move of a run. A failed run is never taken up again: the next one has its own number.
RUN_LIFE: Final = Lifecycle(
    name="run",
    first=RunState.PLANNED,
    table={
        (RunState.PLANNED, RunEvent.STARTED): RunState.RUNNING,
        (RunState.RUNNING, RunEvent.COMMITTED): RunState.COMMITTED,
        (RunState.RUNNING, RunEvent.UNCHANGED): RunState.REPEATED,
        (RunState.RUNNING, RunEvent.FAILED): RunState.FAILED,
        (RunState.RUNNING, RunEvent.LEASE_EXPIRED): RunState.PLANNED,
    },
)


def run_key(scope: Scope, day: date, *, files: Sequence[str], facts: object) -> bytes:
    """The identity of a result: 32 bytes over everything that it depends on.

    ``files`` are the hashes of the other side's files of the day; ``facts`` stands for every item that was compared.
    """
    parts = (str(scope), day.isoformat(), sorted(files), repr(facts), RULE_VERSION, ENGINE_VERSION)
    return hashlib.sha256(repr(parts).encode()).digest()
