"""The values that pass over the simulator: messages on the wire, payments and refunds as a bank knows them.

Amounts are whole dong; moments are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bank_adapters.simulators.simulator import Simulator

#: What Vietnam calls today.
VIETNAM = timedelta(hours=7)


def business_day(moment: datetime) -> date:
    """The day in Vietnam."""
    return (moment.astimezone(UTC) + VIETNAM).date()


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request, to the bank or from it."""

    method: str
    path: str
    """Below the bank's own address, begins with ``/``. In a notice: an absolute URL, or below the hub's address."""
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True)
class WireReply:
    """The answer to one. Status 0: there was none."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Refund:
    """Money that the hub wants back for the payer."""

    reference: str
    amount: int
    state: str = "PENDING"
    """PENDING, SUCCEEDED or FAILED."""
    opened: dict[str, Any] = field(default_factory=dict)


@dataclass
class Payment:
    """One payment as the bank knows it."""

    reference: str
    """What the bank knows it by: our attempt's reference or number as text, or what the payer typed."""
    amount: int
    """What is asked; once it is paid, what arrived. Messages say this one, never one from ``opened``."""
    opened: dict[str, Any] = field(default_factory=dict)
    """All that the bank wants to remember of its opening."""
    outcome: str = "PENDING"
    """PENDING, PAID or DECLINED."""
    transaction_id: str = ""
    paid_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """One try at telling the hub something, and what it answered."""

    reference: str
    reply: WireReply
    accepted: bool


class Sender(Protocol):
    """Whoever brings messages to the hub: `callbacks.Courier`."""

    def send(self, simulator: Simulator, reference: str, callbacks: Sequence[WireRequest]) -> None:
        """Send them until each is heard, or the bank's schedule ends."""
        ...
