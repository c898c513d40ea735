"""Runs: one numbered comparison of two books for one day, and the key that tells the same run from a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle
from reconciliation.domain.scope import Scope

#: Raised whenever the tests of ``matching.py`` change, so that old results keep their meaning.
RULE_VERSION: Final = "2"

#: Raised whenever the way in which they are carried out changes.
ENGINE_VERSION: Final = "sql-2"

#: How long a run may stay silent before another one may take its place.
LEASE: Final = timedelta(minutes=30)


class RunState(StrEnum):
    """Where a run stands."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    COMMITTED = "COMMITTED"
    REPEATED = "REPEATED"
    """Nothing had changed since an earlier run: that one's result is the result."""
    FAILED = "FAILED"


class RunEvent(StrEnum):
    """What happens to a run."""

    STARTED = "STARTED"
    COMMITTED = "COMMITTED"
    FOUND_UNCHANGED = "FOUND_UNCHANGED"
    FAILED = "FAILED"
    LEASE_EXPIRED = "LEASE_EXPIRED"


#: Every legal move of a run. A failed run is never taken up again: the next one has its own number.
RUN_LIFE: Final = Lifecycle(
    name="run",
    first=RunState.PLANNED,
    table={
        (RunState.PLANNED, RunEvent.STARTED): RunState.RUNNING,
        (RunState.RUNNING, RunEvent.COMMITTED): RunState.COMMITTED,
        (RunState.RUNNING, RunEvent.FOUND_UNCHANGED): RunState.REPEATED,
        (RunState.RUNNING, RunEvent.FAILED): RunState.FAILED,
        (RunState.RUNNING, RunEvent.LEASE_EXPIRED): RunState.PLANNED,
    },
)


def run_key(scope: Scope, day: date, *, files: Sequence[str], facts: object) -> bytes:
    """The identity of a result: 32 bytes over everything that it depends on.

    ``files`` are the hashes of the other side's files of the day; ``facts`` stands for every item that was compared.
    """
    said = (str(scope), day.isoformat(), sorted(files), repr(facts), RULE_VERSION, ENGINE_VERSION)
    return hashlib.sha256(repr(said).encode()).digest()
