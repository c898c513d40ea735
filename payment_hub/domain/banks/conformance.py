"""Conformance of a bank's adapter: the fixed list of checks, and the report.

A check has the same expectation for every bank. A check that a bank's protocol does not allow is "not applicable", with
the reason, and never "passed".
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
    """The result of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    name: str
    meaning: str
    expected: str
    outbound: Annotated[bool, Shown(hidden=True)] = False
    """Whether the hub sends the request."""


_UNKNOWN: Final = "the adapter reports that the outcome is unknown"

CHECKS: Final = (
    Check("open", "a payment is opened at the bank", "instructions that a citizen can follow", outbound=True),
    Check(
        "query",
        "the bank is queried about a payment, before and after it is paid",
        "never PAID before; PAID with the same amount after",
        outbound=True,
    ),
    Check("good", "the citizen pays", "the callback is accepted, the order is PAID"),
    Check("decline", "the citizen declines", "the callback is accepted, the order stays OPEN"),
    Check("late", "the citizen pays a cancelled order", "the callback is accepted, the money is received"),
    Check("duplicate", "the bank sends one callback twice", "both are accepted, the money is received once"),
    Check("altered", "a callback is changed on its way", "it is refused, the order stays OPEN"),
    Check("stale", "a genuine callback of long ago comes", "it is refused, the order stays OPEN"),
    Check(
        "wrong_amount", "another amount is paid than was requested", "it is answered, the order is not PAID"
    ),
    Check(
        "unknown_order",
        "a callback names a payment that was never opened",
        "it is answered, our order stays OPEN",
    ),
    Check("slow", "the bank's interface is slower than the time limit", _UNKNOWN, outbound=True),
    Check("hang_up", "the bank's interface closes the connection", _UNKNOWN, outbound=True),
    Check("error_500", "the bank's interface answers with status 500", _UNKNOWN, outbound=True),
    Check("garbage", "the bank's interface answers with garbage", _UNKNOWN, outbound=True),
)


class NotApplicable(Exception):
    """The check does not apply to the bank; the text gives the reason."""


class NotAsExpected(Exception):
    """The result is not the one that the check expects; the text describes it."""


@dataclass(frozen=True, slots=True)
class SimulatorMessage:
    """One callback of the bank to the hub, and the hub's answer."""

    status: int
    body: str
    acknowledged: bool
    """Whether the answer ends the bank's retries, by the bank's own rule."""


class SimulatorClient(Protocol):
    """Controls a simulator of the bank."""

    def pay(self, attempt: AttemptView, choice: str) -> list[SimulatorMessage]:
        """Follow the instructions as a citizen does, with this choice; the callbacks that the simulator sent.

        Raises NotApplicable when the bank has no such choice, NotAsExpected when the simulator fails.
        """
        ...

    def set_mode(self, mode: str) -> int:
        """Let its interface answer in this way from now on; how many requests it has had so far. Raises as ``pay``."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

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
        return any(result.mark is Mark.FAILED for result in self.results)
