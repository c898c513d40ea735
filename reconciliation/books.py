"""The books: all that an operation of reconciliation may touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from payment_hub.domain.banks.values import Confirmation
from payment_hub.hub import Hub
from reconciliation.domain.ledger_port import AgencyLedgers


class Confirm(Protocol):
    """``receive_confirmation`` of the hub, with the hub and the source filled in."""

    def __call__(self, *, confirmation: Confirmation, received_at: datetime) -> Any:
        """Judge and record, exactly once."""
        ...


@dataclass(frozen=True, slots=True)
class Books:
    """The hub with its banks and its clock, the agencies' ledgers, and how unreported money is confirmed."""

    hub: Hub
    ledgers: AgencyLedgers
    confirm: Confirm

    @property
    def now(self) -> Callable[[], datetime]:
        """The hub's clock."""
        return self.hub.now
