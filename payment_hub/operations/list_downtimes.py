"""List the announced downtimes of banks that are not over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from payment_hub.hub import Hub
from payment_hub.store import bank_states


def list_downtimes(hub: Hub) -> Sequence[Mapping[str, Any]]:
    """Each with its number, the next one first."""
    with hub.transaction() as session:
        return bank_states.downtimes(session, hub.now())
