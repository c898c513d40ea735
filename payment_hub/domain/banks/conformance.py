"""The acceptance kit of a bank: the fixed list of what is tried with it, and the form of the report.

A check says what must happen, whoever the bank is. One that a bank's protocol has no room for is "not applicable", with
the reason, and never passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Protocol

from payment_hub.domain.payments import AttemptView
from payment_hub.domain.wire import Shown


class Mark(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is tried."""

    name: str
    meaning: str
    expected: str
    outbound: Annotated[bool, Shown(hidden=True)] = False
    """Whether it is we who speak."""


_UNKNOWN: Final = "we say that we do not know whether the bank has taken it"

CHECKS: Final = (
    Check("open", "a payment is opened at the bank", "instructions that a citizen can follow", outbound=True),
    Check(
        "query",
        "the bank is asked about a payment, before and after it is paid",
        "never PAID before; PAID with the same amount after",
        outbound=True,
    ),
    Check("good", "the citizen pays", "the callback is taken, the order is PAID"),
    Check("decline", "the citizen declines", "the callback is taken, the order stays OPEN"),
    Check("late", "the citizen pays an order that was withdrawn", "the callback is taken, the money is here"),
    Check("duplicate", "the bank sends one callback twice", "both are taken, the money is here once"),
    Check("altered", "a callback is changed on its way", "it is not believed, the order stays OPEN"),
    Check("stale", "a genuine callback of long ago comes", "it is not believed, the order stays OPEN"),
    Check("wrong_amount", "another amount arrives than was asked", "it is answered, the order is not PAID"),
    Check(
        "unknown_order",
        "a callback speaks of a payment that nobody opened",
        "it is answered, our order stays OPEN",
    ),
    Check("slow", "the bank's interface is slower than we wait", _UNKNOWN, outbound=True),
    Check("hang_up", "the bank's interface hangs up", _UNKNOWN, outbound=True),
    Check("error_500", "the bank's interface answers with status 500", _UNKNOWN, outbound=True),
    Check("garbage", "the bank's interface answers with garbage", _UNKNOWN, outbound=True),
)


class NotApplicable(Exception):
    """The bank cannot be put to a check; the text says why."""


class NotAsExpected(Exception):
    """Something else happened than a check expects; the text says what."""


@dataclass(frozen=True, slots=True)
class SimulatorMessage:
    """One message of the bank to our callback door, and what it was answered."""

    status: int
    body: str
    acknowledged: bool
    """Whether our answer ends the bank's retries, by the bank's own rule."""


class SimulatorClient(Protocol):
    """The bank's side, as far as it lets itself be steered."""

    def pay(self, attempt: AttemptView, choice: str) -> list[SimulatorMessage]:
        """Follow the instructions as a citizen does, with this choice; what our door was told, once it is quiet.

        Raises NotApplicable when the bank has no such thing, NotAsExpected when it does not do as it should.
        """
        ...

    def set_mode(self, mode: str) -> int:
        """From now on its interface answers in this way; how many requests it has had so far. Raises as ``pay``."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one check."""

    check: Annotated[Check, Shown(flat=True)]
    mark: Annotated[Mark, Shown("result")]
    seen: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """All checks of one bank."""

    bank: str
    protocol: str
    started_at: Annotated[datetime, Shown("started")]
    hub_version: str
    results: Annotated[Sequence[CheckResult], Shown("checks")]

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return any(one.mark is Mark.FAILED for one in self.results)
