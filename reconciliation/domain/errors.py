"""What only reconciliation refuses. The families, and so the answers over HTTP, are the hub's."""

from __future__ import annotations

from payment_hub.domain.errors import Conflict


class RunUnderWay(Conflict):
    """Another run of the same books is under way."""


class LeaseLost(Conflict):
    """The run was silent for too long, and another one has taken its place."""
